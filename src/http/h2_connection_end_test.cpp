// How a connection comes to its end, and what it may hold until then.

#include <gtest/gtest.h>

#include <limits>

#include "http/h2_connection_test_talk.hpp"

namespace gh::http {
namespace {

constexpr StreamId every_stream = std::numeric_limits<StreamId>::max();

TEST(H2ConnectionEnd, LeavesAnIdleConnectionAlsoBehindAnAnswerWithABody) {
    Talk talk;
    talk.limits.keep_alive_timeout = milliseconds(30);
    talk.limits.send_timeout = milliseconds(30);
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        const auto id = client.request(get("/"));
        co_await talk_until(client, end, never);
        EXPECT_EQ(client.bodies[id], "GET / ");
        EXPECT_EQ(client.goaway, 0);
        EXPECT_TRUE(end.over());
    });
}

TEST(H2ConnectionEnd, LeavesAClientThatAsksNothing) {
    Talk talk;
    talk.limits.keep_alive_timeout = milliseconds(30);
    talk.limits.send_timeout = milliseconds(30);
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        co_await talk_until(client, end, never);
        EXPECT_EQ(client.goaway, 0);
        EXPECT_TRUE(end.over());
    });
}

TEST(H2ConnectionEnd, FinishesWhatIsUnderWayWhenDrainingHoweverQuietItIs) {
    static bool may_end;
    may_end = false;
    Talk talk;
    talk.limits.send_timeout = milliseconds(30);
    talk.handler.script = [](Downstream& request) -> Task<> {
        while (!may_end) co_await net::Sleep(request.wakeup().loop(), milliseconds(5));
        respond_with(request, 200, "late");
    };
    talk.run([](Talk& t, FarEnd& end) -> Task<> {
        H2Client client;
        const auto id = client.request(get("/"));
        co_await end.send(client.take());
        while (t.handler.requests == 0) co_await net::Sleep(t.loop, milliseconds(1));
        t.drain();
        co_await net::Sleep(t.loop, milliseconds(120));  // several times the send timeout
        may_end = true;
        co_await talk_until(client, end, never);
        EXPECT_EQ(client.goaway, 0);
        EXPECT_EQ(client.last_stream, id);
        EXPECT_EQ(client.bodies[id], "late");
    });
}

TEST(H2ConnectionEnd, SaysGoodbyeAfterItsLastRequest) {
    Talk talk;
    talk.limits.requests_max = 2;
    talk.limits.goaway_timeout = milliseconds(30);  // nghttp2 answers no PING once it is through
    talk.run([](Talk&, FarEnd& end) -> Task<> {
        H2Client client;
        const auto a = client.request(get("/a"));
        const auto b = client.request(get("/b"));
        co_await talk_until(client, end, never);
        EXPECT_EQ(client.bodies[a], "GET /a ");
        EXPECT_EQ(client.bodies[b], "GET /b ");
        EXPECT_EQ(client.last_streams, std::vector<StreamId>{every_stream});
        EXPECT_TRUE(end.ended);
    });
}

TEST(H2ConnectionEnd, ServesWhatTheClientSentBeforeItHeardOfTheDrain) {
    static bool may_end;
    may_end = false;
    Talk talk;
    talk.limits.goaway_timeout = seconds(60);
    talk.handler.script = [](Downstream& request) -> Task<> {
        while (!may_end) co_await net::Sleep(request.wakeup().loop(), milliseconds(1));
        respond_with(request, 200, request.request().target);
    };
    talk.run([](Talk& t, FarEnd& end) -> Task<> {
        H2Client client;
        const auto before = client.request(get("/before"));
        co_await end.send(client.take());
        while (t.handler.requests == 0) co_await net::Sleep(t.loop, milliseconds(1));
        t.drain();
        co_await net::Sleep(t.loop, milliseconds(20));  // a GOAWAY is on its way; nothing is read
        const auto crossing = client.request(get("/crossing"));
        co_await end.send(client.take());
        for (int i = 0; t.handler.requests == 1 && i < 2'000; ++i)
            co_await net::Sleep(t.loop, milliseconds(1));
        // nghttp2 hears of nothing more once all its streams have ended.
        const auto told_twice = [](H2Client& h2) { return h2.last_streams.size() == 2; };
        co_await talk_until(client, end, told_twice);
        may_end = true;
        co_await talk_until(client, end, never);
        EXPECT_EQ(client.bodies[before], "/before");
        EXPECT_EQ(client.bodies[crossing], "/crossing");
        EXPECT_EQ(client.last_streams, (std::vector<StreamId>{every_stream, crossing}));
    });
    EXPECT_EQ(talk.handler.requests, 2);
}

TEST(H2ConnectionEnd, DoesNotWaitForAClientThatAnswersNoPing) {
    Talk talk;
    talk.limits.send_timeout = milliseconds(40);
    talk.run([](Talk& t, FarEnd& end) -> Task<> {
        H2Client client;
        client.request(get("/"));
        co_await end.send(client.take());
        while (t.handler.requests == 0) co_await net::Sleep(t.loop, milliseconds(1));
        t.drain();
        const auto all = co_await end.rest();  // and says nothing
        client.give(all);
        EXPECT_EQ(client.last_streams, (std::vector<StreamId>{every_stream, 1}));
    });
    EXPECT_TRUE(talk.served);
}

/// Passes on as a relay does, from a source that never dries up.
constexpr std::size_t whole_bytes = 160 * 1024;
std::size_t taken_from_sources = 0;

Task<> relay_a_lot(Downstream& request) {
    static const std::string source(net::Loop::scratch_size, 'x');
    ResponseHead head;
    head.status = 200;
    head.body.kind = Framing::chunked;
    (void)request.respond(head, {}, false);
    for (std::size_t left = whole_bytes; left > 0 && !request.gone();) {
        if (request.flush() == net::IoState::blocked) {
            co_await request.wakeup().wait();
            continue;
        }
        const auto size = std::min({left, source.size(), request.room()});
        left -= size;
        taken_from_sources += size;
        (void)request.write(std::string_view(source).substr(0, size), left == 0);
    }
}

TEST(H2ConnectionEnd, HoldsABoundedAmountForAClientThatTakesNothingAndLosesNone) {
    static constexpr std::size_t streams = 100;
    taken_from_sources = 0;
    Talk talk;
    talk.handler.script = relay_a_lot;
    talk.run([](Talk& t, FarEnd& end) -> Task<> {
        H2Client client(0);  // no window: not an octet of a body
        std::vector<StreamId> ids;
        for (std::size_t i = 0; i < streams; ++i) ids.push_back(client.request(get("/")));
        const auto all_answer = [](H2Client& h2) { return h2.headers.size() == streams; };
        co_await talk_until(client, end, all_answer);
        EXPECT_EQ(t.handler.requests, static_cast<int>(streams));
        EXPECT_GE(taken_from_sources, streams * H2Connection::piece_bytes_min);
        EXPECT_LE(taken_from_sources,
                  H2Connection::held_bytes_max + streams * H2Connection::piece_bytes_min);
        // One is let go on: those that are stuck must not keep it from its end.
        client.widen(ids.back(), whole_bytes);
        const auto one = [](H2Client& h2) { return h2.closed.size() == 1; };
        co_await talk_until(client, end, one);
        EXPECT_EQ(client.bodies[ids.back()].size(), whole_bytes);
        ids.pop_back();
        for (const auto id : ids) client.widen(id, whole_bytes);
        co_await talk_until(client, end, all_closed);
        for (const auto id : ids) EXPECT_EQ(client.bodies[id].size(), whole_bytes) << id;
    });
}

}  // namespace
}  // namespace gh::http
