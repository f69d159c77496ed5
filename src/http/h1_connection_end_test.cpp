#include "http/h1_connection.hpp"

#include <gtest/gtest.h>

#include "http/connection_test_peers.hpp"

namespace gh::http {
namespace {

using Talk = Conversation<H1Connection>;

std::string ok(std::string_view body, std::string_view more = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(more) + "\r\n" + std::string(body);
}

constexpr std::string_view closing = "Connection: close\r\n";

TEST(H1ConnectionEnd, RefusesWhatItCannotReadAndCloses) {
    struct Case {
        std::string sent;
        std::string_view status, reason;
    };
    const Case cases[] = {
        {"GET /\r\n\r\n", "400", "http.request_line"},
        {"GET / HTTP/1.1\r\n\r\n", "400", "http.host"},
        {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         "400", "http.framing"},
        {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(40'000, 'x'), "431",
         "http.head_too_large"},
        {"GET /" + std::string(9'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n", "414",
         "http.target_too_long"},
        {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505", "http.version"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.reason);
        static const Case* now;
        now = &c;
        Talk talk;
        talk.run([](Talk&, FarEnd& client) -> Task<> {
            co_await client.send(now->sent);
            const auto answer = co_await client.rest();
            EXPECT_EQ(answer.substr(9, 3), now->status);
            EXPECT_TRUE(answer.ends_with("Content-Length: 0\r\nConnection: close\r\n\r\n"))
                << answer;
            EXPECT_TRUE(client.ended);
        });
        EXPECT_EQ(talk.handler.reasons, std::vector<std::string>{std::string(c.reason)});
    }
}

TEST(H1ConnectionEnd, TakesAHeadUpToItsLimitAndNotBeyond) {
    for (const std::size_t size : {std::size_t{20'000}, std::size_t{20'001}}) {
        static std::size_t head_size;
        head_size = size;
        Talk talk;
        talk.limits.head.bytes_max = 20'000;
        talk.run([](Talk&, FarEnd& client) -> Task<> {
            std::string head = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX: ";
            head += std::string(head_size - head.size() - 4, 'x') + "\r\n\r\n";
            co_await client.send(head);
            EXPECT_EQ((co_await client.rest()).substr(9, 3), head_size == 20'000 ? "200" : "431");
        });
    }
}

TEST(H1ConnectionEnd, GivesUpOnAHeadThatDoesNotCome) {
    Talk talk;
    talk.limits.header_timeout = milliseconds(30);
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        co_await client.send("GET / HTTP/1.1\r\nHo");
        EXPECT_EQ((co_await client.rest()).substr(9, 3), "408");
        EXPECT_TRUE(client.ended);
    });
    EXPECT_EQ(talk.handler.reasons, std::vector<std::string>{"http.head_timeout"});
}

TEST(H1ConnectionEnd, LeavesAnIdleConnectionWithoutAWord) {
    Talk talk;
    talk.limits.keep_alive_timeout = milliseconds(30);
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        EXPECT_EQ(co_await client.rest(), "");
        EXPECT_TRUE(client.ended);
    });
    EXPECT_EQ(talk.handler.requests, 0);
}

TEST(H1ConnectionEnd, ServesNoMoreRequestsThanItsLimit) {
    Talk talk;
    talk.limits.requests_max = 2;
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        co_await client.send(get + get + get);
        EXPECT_EQ(co_await client.rest(), ok("GET / ") + ok("GET / ", closing));
    });
    EXPECT_EQ(talk.handler.requests, 2);
}

TEST(H1ConnectionEnd, ClosesWhenDrainingOnceNoRequestIsUnderWay) {
    Talk idle;
    idle.run([](Talk& t, FarEnd& client) -> Task<> {
        co_await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_EQ(co_await client.until("GET / "), ok("GET / "));
        t.drain();
        EXPECT_EQ(co_await client.rest(), "");
        EXPECT_TRUE(client.ended);
    });
    Talk busy;
    busy.run([](Talk& t, FarEnd& client) -> Task<> {
        co_await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n");
        while (t.handler.requests == 0) co_await net::Sleep(t.loop, milliseconds(1));
        t.drain();
        co_await client.send("x");
        EXPECT_EQ(co_await client.rest(), ok("POST / x"));
        EXPECT_TRUE(client.ended);
    });
}

TEST(H1ConnectionEnd, ResetsWhatMustNotPassForComplete) {
    constexpr ScriptedHandler::Script scripts[] = {
        [](Downstream& request) -> Task<> {
            ResponseHead head;
            head.status = 200;
            head.body.kind = Framing::until_close;
            (void)request.respond(head, "half", false);
            request.abort();
            co_return;
        },
        [](Downstream& request) -> Task<> {  // forgets its end
            ResponseHead head;
            head.status = 200;
            head.body.kind = Framing::until_close;
            (void)request.respond(head, "half", false);
            co_return;
        },
        [](Downstream&) -> Task<> { co_return; },  // says nothing at all
    };
    for (const auto script : scripts) {
        Talk talk;
        talk.handler.script = script;
        talk.run([](Talk&, FarEnd& client) -> Task<> {
            co_await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
            (void)co_await client.rest();
            EXPECT_TRUE(client.reset);
        });
    }
}

TEST(H1ConnectionEnd, TellsOfABodyThatBreaksOff) {
    struct Case {
        std::string_view sent, body;
    };
    constexpr Case cases[] = {
        {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc", "abc!"},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "abc!"},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd", "abc?"},
        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "?"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.sent);
        static Case now;
        now = c;
        Talk talk;
        talk.run([](Talk&, FarEnd& client) -> Task<> {
            co_await client.send(std::string(now.sent));
            client.finish();
            EXPECT_TRUE((co_await client.rest()).ends_with("POST / " + std::string(now.body)));
        });
        EXPECT_EQ(talk.handler.requests, 1);
    }
}

TEST(H1ConnectionEnd, NoticesThatItsClientHasGone) {
    Talk talk;
    static bool noticed;
    noticed = false;
    talk.handler.script = [](Downstream& request) -> Task<> {
        EXPECT_FALSE(request.gone());
        while (!request.gone()) co_await request.wakeup().wait();
        noticed = true;
        request.abort();
    };
    talk.run([](Talk& t, FarEnd& client) -> Task<> {
        co_await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        while (t.handler.requests == 0) co_await net::Sleep(t.loop, milliseconds(1));
        client.close();
    });
    EXPECT_TRUE(noticed);
}

TEST(H1ConnectionEnd, EndsOnAClientThatTakesNothing) {
    Talk talk;
    talk.limits.send_timeout = milliseconds(50);
    talk.receive_bytes = 4096;
    talk.handler.flushes = false;
    talk.handler.script = [](Downstream& request) -> Task<> {
        static const std::string much(250'000, 'x');
        ResponseHead head;
        head.status = 200;
        head.body = {Framing::length, much.size() * 40};
        auto state = request.respond(head, much, false);
        for (int i = 1; i < 40 && state == net::IoState::done; ++i)
            state = request.write(much, i == 39);
        EXPECT_EQ(state, net::IoState::blocked);
        if (state == net::IoState::blocked) request.abort();
        EXPECT_EQ(request.flush(), net::IoState::failed) << "nothing more leaves";
        co_return;
    };
    talk.run([](Talk& t, FarEnd& client) -> Task<> {
        co_await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        const auto since = t.loop.now();
        while (!t.served && t.loop.now() - since < FarEnd::patience) {
            co_await net::Sleep(t.loop, milliseconds(5));
        }
        EXPECT_TRUE(t.served);
    });
}

TEST(H1ConnectionEnd, HandsOverTheBareStreamBehindAnUpgradeAndEndsItCleanly) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        EXPECT_TRUE(request.request().upgrade_websocket);
        ResponseHead head;
        head.status = 101;
        head.body.kind = Framing::tunnel;
        head.fields.add("Upgrade", "websocket");
        EXPECT_EQ(request.respond(head, {}, false), net::IoState::done);
        EXPECT_EQ(request.tunnel_leftover(), "early");
        EXPECT_EQ(request.tunnel_leftover(), "");
        EXPECT_EQ(request.tunnel()->write("bare"), net::IoState::done);
        co_return;
    };
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        co_await client.send(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nearly");
        EXPECT_EQ(co_await client.rest(),
                  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  "Connection: upgrade\r\n\r\nbare");
        EXPECT_TRUE(client.ended);  // a reset would throw away what the client has not read yet
    });
}

}  // namespace
}  // namespace gh::http
