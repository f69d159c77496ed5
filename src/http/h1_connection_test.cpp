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

TEST(H1Connection, AnswersOneRequestAfterAnotherInOrderHoweverTheyArrive) {
    struct Case {
        std::string_view name, sent, answers;  // answers by the default handler, comma separated
    };
    constexpr Case cases[] = {
        {"one", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a "},
        {"pipelined",
         "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n"
         "GET /c HTTP/1.1\r\nHost: h\r\n\r\n",
         "GET /a ,GET /b ,GET /c "},
        {"behind a body of known length",
         "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyzGET /b HTTP/1.1\r\nHost: "
         "h\r\n\r\n",
         "POST /a xyz,GET /b "},
        {"behind chunked bodies",
         "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "2\r\nxy\r\n1;e=f\r\nz\r\n0\r\n\r\n"
         "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "1\r\nq\r\n0\r\nT: v\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
         "POST /a xyz,POST /b q,GET /c "},
        {"behind an empty line", "\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a "},
    };
    for (const auto& c : cases) {
        for (const bool byte_by_byte : {false, true}) {
            SCOPED_TRACE(c.name);
            SCOPED_TRACE(byte_by_byte);
            static std::string sent;
            static bool slowly;
            static std::string answers;
            sent = c.sent;
            slowly = byte_by_byte;
            answers.clear();
            for (std::string_view left = c.answers; !left.empty();) {
                const auto one = left.substr(0, left.find(','));
                answers += ok(one);
                left.remove_prefix(std::min(left.size(), one.size() + 1));
            }
            Talk talk;
            talk.run([](Talk& t, FarEnd& client) -> Task<> {
                if (slowly) {
                    for (const char byte : sent) {
                        co_await client.send(std::string(1, byte));
                        co_await net::Sleep(t.loop, std::chrono::nanoseconds(1));
                    }
                } else {
                    co_await client.send(sent);
                }
                std::string received;
                while (received.size() < answers.size() && !client.over()) {
                    received += co_await client.until(" ");
                    if (received.size() + 8 > answers.size()) received += client.take();
                }
                EXPECT_EQ(received, answers);
                EXPECT_FALSE(client.over());
            });
            EXPECT_TRUE(talk.served);
        }
    }
}

TEST(H1Connection, CarriesOverWhatFollowsAChunkedBodyThatOutgrewItsBlock) {
    Talk talk;
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        std::string sent =
            "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            "9c40\r\n" +
            std::string(40'000, 'x') + "\r\n0\r\n\r\n";
        for (int i = 0; i < 500; ++i) sent += "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
        sent += "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
        co_await client.send(sent);
        std::string wanted = ok("POST /a " + std::string(40'000, 'x'));
        for (int i = 0; i < 500; ++i) wanted += ok("GET /b ");
        wanted += ok("GET /last ", closing);
        EXPECT_TRUE(co_await client.rest() == wanted);
    });
    EXPECT_EQ(talk.handler.requests, 502);
}

TEST(H1Connection, StaysOpenAsTheClientSays) {
    struct Case {
        std::string_view sent, answer;
        bool stays;
    };
    const Case cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", closing, false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", closing, false},
        {"GET / HTTP/1.0\r\n\r\n", closing, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n", true},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.sent);
        static Case now;
        now = c;
        Talk talk;
        talk.run([](Talk&, FarEnd& client) -> Task<> {
            co_await client.send(std::string(now.sent));
            EXPECT_EQ(co_await client.until("GET / "), ok("GET / ", now.answer));
            if (now.stays) {
                co_await client.send(std::string(now.sent));
                EXPECT_EQ(co_await client.until("GET / "), ok("GET / ", now.answer));
            } else {
                EXPECT_EQ(co_await client.rest(), "");
                EXPECT_TRUE(client.ended);
            }
        });
        EXPECT_EQ(talk.handler.requests, c.stays ? 2 : 1);
    }
}

TEST(H1Connection, FramesAnAnswerSoThatTheClientFindsItsEnd) {
    struct Case {
        std::string_view request;
        Framing framing;
        std::string_view answer;  // behind the status line
    };
    constexpr Case cases[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", Framing::chunked,
         "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\ntwo.\r\n0\r\nX-Sum: 7\r\n\r\n"},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Framing::chunked,
         "Connection: close\r\n\r\nonetwo."},
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", Framing::until_close,
         "Connection: close\r\n\r\nonetwo."},
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", Framing::length, "Content-Length: 7\r\n\r\nonetwo."},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.answer);
        static Case now;
        now = c;
        Talk talk;
        talk.handler.script = [](Downstream& request) -> Task<> {
            ResponseHead head;
            head.status = 200;
            head.body = {now.framing, 7};
            EXPECT_EQ(request.respond(head, "one", false), net::IoState::done);
            Fields trailers;
            trailers.add("X-Sum", "7");
            EXPECT_EQ(request.write("", false), net::IoState::done);  // not an end
            EXPECT_EQ(request.write("two.", true, &trailers), net::IoState::done);
            EXPECT_EQ(request.body_sent(), 7U);
            co_return;
        };
        talk.run([](Talk&, FarEnd& client) -> Task<> {
            co_await client.send(std::string(now.request));
            client.finish();
            EXPECT_EQ(co_await client.rest(), "HTTP/1.1 200 OK\r\n" + std::string(now.answer));
        });
    }
}

TEST(H1Connection, TellsTheLengthToHeadWithoutTheBody) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        ResponseHead head;
        head.status = 200;
        head.fields.add("Content-Length", "1234");
        (void)request.respond(head, {}, true);
        co_return;
    };
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        const std::string head = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n";
        co_await client.send(head + head);
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
        EXPECT_EQ(co_await client.until("\r\n\r\n"), answer);
        EXPECT_EQ(co_await client.until("\r\n\r\n"), answer);
    });
}

TEST(H1Connection, SendsContinueOnceAndOnlyToThoseWhoWait) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        request.send_continue();
        request.send_continue();
        const auto body = co_await read_body(request);
        request.send_continue();
        respond_with(request, 200, body);
    };
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        const std::string head = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n";
        co_await client.send(head + "Expect: 100-continue\r\n\r\n");
        EXPECT_EQ(co_await client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
        co_await client.send("abc");
        EXPECT_EQ(co_await client.until("abc"), ok("abc"));
        co_await client.send(head + "\r\ndef");
        EXPECT_EQ(co_await client.until("def"), ok("def"));
    });
}

TEST(H1Connection, ClosesBehindAnAnswerThatCameInsteadOfContinue) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        respond_with(request, 413, "no");
        co_return;
    };
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        // Whether the body follows is the client's choice: what looks like a request may be that body.
        co_await client.send(
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 28\r\nExpect: 100-continue\r\n\r\n"
            "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        EXPECT_EQ(co_await client.rest(),
                  "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n"
                  "Connection: close\r\n\r\nno");
        EXPECT_TRUE(client.ended);
    });
    EXPECT_EQ(talk.handler.requests, 1);
}

TEST(H1Connection, SkipsAShortBodyNobodyAskedForAndStaysInStep) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        respond_with(request, 200, request.request().target);
        co_return;
    };
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        co_await client.send(
            "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 28\r\n\r\n"
            "GET /x HTTP/1.1\r\nHost: h\r\n\r\nx"  // the body, to its last octet
            "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(co_await client.rest(), ok("/a") + ok("/b") + ok("/c", closing));
    });
}

TEST(H1Connection, LetsAClientThatIsStillSendingReadAnEarlyAnswer) {
    Talk talk;
    talk.handler.script = [](Downstream& request) -> Task<> {
        request.close_after();
        respond_with(request, 413, "no");
        co_return;
    };
    talk.run([](Talk&, FarEnd& client) -> Task<> {
        co_await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n");
        EXPECT_EQ(co_await client.until("no"),
                  "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n"
                  "Connection: close\r\n\r\nno");
        co_await client.send(std::string(900'000, 'x'));  // a reset would be seen below
        EXPECT_EQ(co_await client.rest(), "");
        EXPECT_TRUE(client.ended);
    });
}

TEST(H1Connection, LingersForNoMoreThanItsLimits) {
    Talk talk;
    talk.limits.linger_timeout = milliseconds(30);
    talk.run([](Talk& t, FarEnd& client) -> Task<> {
        co_await client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(co_await client.rest(), ok("GET / ", closing));
        // The client keeps its side open; the house does not wait for it.
        const auto since = t.loop.now();
        while (!t.served && t.loop.now() - since < FarEnd::patience) {
            co_await net::Sleep(t.loop, milliseconds(5));
        }
        EXPECT_TRUE(t.served);
    });
}

}  // namespace
}  // namespace gh::http
