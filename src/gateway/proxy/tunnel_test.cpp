#include "gateway/proxy/relay.hpp"
#include "gateway/proxy/testing.hpp"

namespace gh::gateway::proxy {
namespace {

/// A client whose bare stream is handed over; `far` is its other end.
class TunnellingDownstream final : public FakeDownstream {
 public:
    TunnellingDownstream(net::Loop& loop, UniqueFd& far) : FakeDownstream(loop) {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()),
                  0);
        far = UniqueFd(fds[1]);
        stream_ = std::make_unique<net::SocketStream>(loop, fds[0]);
        stream_->notify(&wakeup());
        head.upgrade_websocket = true;
    }
    [[nodiscard]] net::Stream* tunnel() override { return stream_.get(); }
    [[nodiscard]] std::string_view tunnel_leftover() override { return leftover; }
    std::string leftover;

 private:
    std::unique_ptr<net::SocketStream> stream_;
};

const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";

struct TunnelTest : ::testing::Test {
    FakeHouse house;
    UniqueFd client_far, upstream_far;
    TunnellingDownstream client{house.worker.loop, client_far};
    FakeUpstream upstream{house};
    std::unique_ptr<Connection> connection;
    net::Wakeup script_end{house.worker.loop};
    bool played = false;

    TunnelTest() {
        house.route().timeouts = {.connect = milliseconds(50),
                                  .response = milliseconds(50),
                                  .idle = milliseconds(50),
                                  .tunnel_idle = milliseconds(80),
                                  .total = {}};
        house.begin();
        house.exchange.client = &client;
        house.exchange.principal = house.authenticator.principal;
        connection = upstream.connection(upstream_far);
        connection->stream->notify(&client.wakeup());
        say(upstream_far, switched);
    }
    Task<> relaying(Ended& ended) {
        RequestBody body(house.exchange);
        Relay relay(house.exchange, *connection, body, false);
        ended = co_await relay.run();
        EXPECT_FALSE(relay.reusable());
        while (!played) co_await script_end.wait();
    }
    Task<> play(Task<> script) {
        co_await std::move(script);
        played = true;
        script_end.wake();
    }
    /// The tunnel and `script`, which plays both far ends, to their ends.
    Ended tunnel(Task<> script) {
        auto ended = Ended::complete;
        spawn(play(std::move(script)));
        run(house, relaying(ended));
        return ended;
    }
};

Task<> talk_and_end(TunnelTest& test) {
    auto& loop = test.house.worker.loop;
    co_await net::Sleep(loop, milliseconds(5));  // what comes with the 101 leaves with it
    say(test.client_far, "up");
    say(test.upstream_far, "down");
    co_await net::Sleep(loop, milliseconds(10));
    EXPECT_TRUE(hear(test.upstream_far).ends_with("\r\n\r\nearlyup"));
    EXPECT_EQ(hear(test.client_far), "down");
    ::shutdown(test.client_far.get(), SHUT_WR);
    co_await net::Sleep(loop, milliseconds(10));
    say(test.upstream_far, "last");  // one side may end before the other
    ::shutdown(test.upstream_far.get(), SHUT_WR);
    co_await net::Sleep(loop, milliseconds(10));
    EXPECT_EQ(hear(test.client_far), "last");
}

TEST_F(TunnelTest, CarriesBothWaysUntilBothHaveEnded) {
    client.leftover = "early";
    EXPECT_EQ(tunnel(talk_and_end(*this)), Ended::tunnelled);
    EXPECT_EQ(client.status, 101);
    EXPECT_FALSE(client.aborted);
    EXPECT_EQ(house.exchange.tunnelled_up, 2U);
    EXPECT_EQ(house.exchange.tunnelled_down, 8U);
}

Task<> nothing() { co_return; }

TEST_F(TunnelTest, IsCutWhenBothAreSilentForTooLong) {
    EXPECT_EQ(tunnel(nothing()), Ended::tunnelled);
    EXPECT_TRUE(client.aborted) << "it must not look as if it had ended";
}

Task<> keep_talking(TunnelTest& test) {
    for (int i = 0; i < 6; ++i) {  // for longer than the idle time together
        co_await net::Sleep(test.house.worker.loop, milliseconds(30));
        say(test.upstream_far, ".");
    }
    co_await net::Sleep(test.house.worker.loop, milliseconds(30));
    EXPECT_EQ(hear(test.client_far), "......");
    {
        const auto gone = std::move(test.upstream_far);
    }
    {
        const auto gone = std::move(test.client_far);
    }
}

TEST_F(TunnelTest, LivesAsLongAsOneSideSpeaks) {
    house.route().timeouts.tunnel_idle = milliseconds(150);
    EXPECT_EQ(tunnel(keep_talking(*this)), Ended::tunnelled);
    EXPECT_EQ(house.exchange.tunnelled_down, 6U);
}

Task<> flood(TunnelTest& test, std::size_t& sent) {
    const std::string block(64 * 1024, 'x');
    for (int quiet = 0; quiet < 5;) {
        const auto n = ::send(test.upstream_far.get(), block.data(), block.size(), MSG_NOSIGNAL);
        if (n > 0) sent += static_cast<std::size_t>(n);
        quiet = n > 0 ? 0 : quiet + 1;
        co_await net::Sleep(test.house.worker.loop, milliseconds(1));
    }
}

TEST_F(TunnelTest, TakesNoMoreThanTheOtherSideReads) {
    std::size_t sent = 0;
    EXPECT_EQ(tunnel(flood(*this, sent)), Ended::tunnelled);  // nobody reads: idle in the end
    EXPECT_TRUE(client.aborted);
    EXPECT_LT(sent, 2U * 1024 * 1024) << "sockets' buffers and one piece, however long it lasts";
}

TEST_F(TunnelTest, EndsWithTheCredential) {
    auto expiring = std::make_shared<access::Principal>(*house.authenticator.principal);
    expiring->expires = house.worker.loop.system_now() + milliseconds(30);
    house.exchange.principal = expiring;
    house.route().timeouts.tunnel_idle = seconds(60);
    EXPECT_EQ(tunnel(nothing()), Ended::tunnelled);
    EXPECT_TRUE(client.aborted);
    EXPECT_EQ(house.exchange.outcome, outcome::expired);
}

Task<> revoke(TunnelTest& test) {
    co_await net::Sleep(test.house.worker.loop, milliseconds(10));
    test.house.exchange.revoke();
}

TEST_F(TunnelTest, EndsWhenTheCredentialIsRevoked) {
    house.route().timeouts.tunnel_idle = seconds(60);
    EXPECT_EQ(tunnel(revoke(*this)), Ended::tunnelled);
    EXPECT_TRUE(client.aborted);
    EXPECT_EQ(house.exchange.outcome, outcome::revoked);
}

}  // namespace
}  // namespace gh::gateway::proxy
