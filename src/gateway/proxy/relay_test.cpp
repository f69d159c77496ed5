#include "gateway/proxy/relay.hpp"

#include "gateway/proxy/testing.hpp"

namespace gh::gateway::proxy {
namespace {

struct RelayTest : ::testing::Test {
    FakeHouse house;
    std::unique_ptr<FakeUpstream> upstream;
    std::unique_ptr<Connection> connection;
    UniqueFd far;
    bool reusable = false;

    void begin() {
        connection.reset();
        upstream = std::make_unique<FakeUpstream>(house);
        house.route().timeouts = {.connect = milliseconds(50),
                                  .response = milliseconds(50),
                                  .idle = milliseconds(50),
                                  .tunnel_idle = milliseconds(50),
                                  .total = {}};
        house.route().config.request_body_max = 1024 * 1024;
        house.snapshot->limits.body_idle_timeout = milliseconds(50);
        house.begin();
        house.exchange.principal = house.authenticator.principal;
        connection = upstream->connection(far);
    }
    Task<> relaying(Relay& relay, Ended& ended) { ended = co_await relay.run(); }
    Ended relay(bool may_retry = false) {
        RequestBody body(house.exchange);
        Relay attempt(house.exchange, *connection, body, may_retry);
        auto ended = Ended::complete;
        run(house, relaying(attempt, ended));
        reusable = attempt.reusable();
        return ended;
    }
    void end_far() { const auto gone = std::move(far); }
};

const std::string ok = "HTTP/1.1 200 OK\r\n";

TEST_F(RelayTest, PassesOnAWholeAnswerAndKeepsTheConnectionWhereItMay) {
    struct Case {
        std::string answer;
        bool ends;
        std::string_view body;
        bool reusable;
    };
    const Case cases[] = {
        {ok + "Content-Length: 5\r\n\r\nhello", false, "hello", true},
        {ok + "Content-Length: 0\r\n\r\n", false, "", true},
        {ok + "Content-Length: 5\r\nConnection: close\r\n\r\nhello", false, "hello", false},
        {ok + "Content-Length: 5\r\n\r\nhello and more", false, "hello", false},
        {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", false, "hello",
         true},
        {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", false, "", false},
        {ok + "\r\nhello", true, "hello", false},
        {"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx", false, "x", true},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.answer);
        begin();
        say(far, c.answer);
        if (c.ends) end_far();
        house.client.answer.clear();
        EXPECT_EQ(relay(), Ended::complete);
        EXPECT_EQ(house.client.answer, c.body);
        EXPECT_TRUE(house.client.complete);
        EXPECT_EQ(reusable, c.reusable);
        house.exchange.end();
    }
}

TEST_F(RelayTest, TellsHowAnAttemptFailed) {
    struct Case {
        std::string answer;
        bool ends;
        Ended expected;
    };
    const Case cases[] = {
        {"", true, Ended::no_answer},
        {"HTTP/1.1 20", true, Ended::malformed},
        {"nonsense\r\n\r\n", false, Ended::malformed},
        {ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", false, Ended::malformed},
        {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", false,
         Ended::malformed},
        {ok + "X: " + std::string(70'000, 'x'), false, Ended::malformed},
        {"", false, Ended::timeout},
        {"HTTP/1.1 103 Early Hints\r\n\r\n", false, Ended::timeout},
        {ok + "Content-Length: 6\r\n\r\nhello", true, Ended::cut},
        {ok + "Content-Length: 6\r\n\r\nhello", false, Ended::cut},
        {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", true, Ended::cut},
        {ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false, Ended::cut},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.answer.substr(0, 60));
        begin();
        say(far, c.answer);
        if (c.ends) end_far();
        EXPECT_EQ(relay(), c.expected);
        EXPECT_FALSE(reusable);
        EXPECT_FALSE(house.client.complete);
        house.exchange.end();
    }
}

TEST_F(RelayTest, SendsTheBodyAsItIsFramedAndNoMoreThanItsLimit) {
    house.client.ask("POST", "/").send({"hel", "", "lo"}, true);
    begin();
    say(far, ok + "Content-Length: 0\r\n\r\n");
    (void)relay();
    const auto asked = hear(far);
    EXPECT_TRUE(asked.starts_with("POST / HTTP/1.1\r\n")) << asked;
    EXPECT_TRUE(asked.contains("3\r\nhel\r\n")) << asked;
    house.exchange.end();

    house.client.send({"hello", "world"}, true);
    begin();
    house.route().config.request_body_max = 9;
    EXPECT_EQ(relay(), Ended::too_large);
    EXPECT_FALSE(hear(far).contains("0\r\n\r\n")) << "it must not look complete";
    EXPECT_FALSE(reusable);
}

TEST_F(RelayTest, EndsWhenTheClientLeavesStallsOrBreaksOff) {
    struct Case {
        http::BodyPiece::State body_end;
        bool leaves;
        Ended expected;
    };
    const Case cases[] = {
        {http::BodyPiece::State::closed, false, Ended::client_gone},
        {http::BodyPiece::State::malformed, false, Ended::client_malformed},
        {http::BodyPiece::State::blocked, false, Ended::client_slow},
        {http::BodyPiece::State::blocked, true, Ended::client_gone},
    };
    for (const auto& c : cases) {
        house.client.ask("POST", "/").send({"hel"}, true);
        house.client.body_end = c.body_end;
        house.client.left = c.leaves;
        begin();
        EXPECT_EQ(relay(), c.expected);
        EXPECT_FALSE(reusable);
        house.exchange.end();
    }
}

TEST_F(RelayTest, HoldsBackAnAnswerThatMayBeAskedForAgain) {
    for (const bool may_retry : {true, false}) {
        begin();
        say(far, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
        EXPECT_EQ(relay(may_retry), may_retry ? Ended::retry_status : Ended::complete);
        EXPECT_EQ(house.client.responded(), !may_retry);
        house.exchange.end();
    }
    EXPECT_EQ(house.client.status, 503);
}

TEST_F(RelayTest, EndsWithTheCredentialHoweverFastBothSidesAre) {
    begin();
    auto expired = std::make_shared<access::Principal>(*house.authenticator.principal);
    expired->expires = house.worker.loop.system_now() + milliseconds(20);
    house.exchange.principal = expired;
    house.route().timeouts.response = seconds(60);
    EXPECT_EQ(relay(), Ended::expired);
}

TEST_F(RelayTest, EndsAtOnceWhenTheCredentialIsRevoked) {
    const std::string beginnings[] = {
        "",                                                        // no answer yet
        ok + "Transfer-Encoding: chunked\r\n\r\n6\r\ndata: \r\n",  // a stream of events
        ok + "Content-Length: 1000000\r\n\r\nhello",               // a long download
    };
    for (const auto& said : beginnings) {
        SCOPED_TRACE(said);
        begin();
        house.route().timeouts.response = house.route().timeouts.idle = seconds(60);
        say(far, said);
        const auto revoke_later = [](FakeHouse& in) -> Task<> {
            co_await net::Sleep(in.worker.loop, milliseconds(10));
            in.exchange.revoke();
        };
        spawn(revoke_later(house));
        EXPECT_EQ(relay(), Ended::expired);
        EXPECT_FALSE(reusable);
        EXPECT_FALSE(house.client.complete);
        house.exchange.end();
    }
}

TEST_F(RelayTest, SendsNothingForWhoWasRevokedBeforeItBegan) {
    begin();
    house.route().timeouts.response = seconds(60);
    house.exchange.revoke();
    EXPECT_EQ(relay(), Ended::expired);
}

}  // namespace
}  // namespace gh::gateway::proxy
