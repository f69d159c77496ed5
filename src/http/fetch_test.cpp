#include "http/fetch.hpp"

#include <gtest/gtest.h>

#include "http/connection_test_peers.hpp"

namespace gh::http {
namespace {

struct Answer {
    enum class End : std::uint8_t { open, finish, reset };
    std::string bytes;
    End end = End::finish;
};

struct Outcome {
    Result<Fetched> fetched = fail(ErrorKind::internal, "none");
    std::string asked;
};

Task<> answer(net::Loop& loop, int fd, const Answer& with, Outcome& outcome) {
    FarEnd end(loop, fd);
    outcome.asked = co_await end.until("\r\n\r\n");
    co_await end.send(with.bytes);
    if (with.end == Answer::End::finish) end.finish();
    if (with.end == Answer::End::reset) {
        end.close_with_reset();
    } else {
        (void)co_await end.rest();
    }
}

Task<> ask(net::Loop& loop, FetchRequest request, Outcome& outcome) {
    outcome.fetched = co_await fetch(loop, std::move(request));
    loop.stop();
}

/// What a fetch makes of a server that answers like this.
Outcome fetch_from(const Answer& with, FetchRequest request = {}) {
    net::Loop loop;
    Outcome outcome;
    const auto fd = net::open_listening_socket(*net::Address::parse("127.0.0.1", 0));
    EXPECT_TRUE(fd);
    net::Listener listener(loop, *fd, [&](int accepted, const net::Address&) {
        spawn(answer(loop, accepted, with, outcome));
    });
    request.address = listener.address();
    request.authority = "h.example";
    spawn(ask(loop, std::move(request), outcome));
    loop.run();
    listener.close();
    for (int i = 0; i < 3; ++i) {  // the other ends come to theirs
        loop.stop();
        loop.run();
    }
    return outcome;
}

using End = Answer::End;
const std::string ok = "HTTP/1.1 200 OK\r\n";

TEST(Fetch, ReadsAnAnswerHoweverItsEndIsKnown) {
    struct Case {
        std::string_view name;
        Answer answer;
        std::uint16_t status;
        std::string_view body;
    };
    const Case cases[] = {
        {"length", {ok + "Content-Length: 5\r\n\r\nhello", End::open}, 200, "hello"},
        {"chunked",
         {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", End::open},
         200,
         "hello"},
        {"end of the connection", {ok + "\r\nhello", End::finish}, 200, "hello"},
        {"no body", {"HTTP/1.1 204 No Content\r\n\r\n", End::open}, 204, ""},
        {"behind interim answers",
         {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + ok +
              "Content-Length: 1\r\n\r\nx",
          End::open},
         200,
         "x"},
        {"another status", {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", End::open}, 503, ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        const auto outcome = fetch_from(c.answer);
        ASSERT_TRUE(outcome.fetched) << outcome.fetched.error().reason;
        EXPECT_EQ(outcome.fetched->status, c.status);
        EXPECT_EQ(outcome.fetched->body, c.body);
        EXPECT_TRUE(outcome.asked.starts_with("GET / HTTP/1.1\r\n")) << outcome.asked;
        EXPECT_TRUE(outcome.asked.contains("Host: h.example\r\n")) << outcome.asked;
    }
}

TEST(Fetch, TellsWhereARedirectLeadsAndDoesNotFollow) {
    const auto outcome =
        fetch_from({"HTTP/1.1 302 Found\r\nlocation: https://b.example/x?y\r\n"
                    "Content-Length: 0\r\n\r\n",
                    End::open});
    ASSERT_TRUE(outcome.fetched);
    EXPECT_EQ(outcome.fetched->status, 302);
    EXPECT_EQ(outcome.fetched->location, "https://b.example/x?y");
}

TEST(Fetch, PostsABodyAndKeepsTheFieldsThatAreWanted) {
    FetchRequest request;
    request.content_type = "application/json";
    request.body = "{}";
    request.wanted = {"Link", "Retry-After"};
    const auto outcome =
        fetch_from({"HTTP/1.1 201 Created\r\nlink: <a>\r\nLocation: /x\r\nOther: y\r\nLINK: <b>\r\n"
                    "Content-Length: 2\r\n\r\nok",
                    End::open},
                   std::move(request));
    ASSERT_TRUE(outcome.fetched);
    EXPECT_EQ(outcome.fetched->status, 201);
    EXPECT_EQ(outcome.fetched->body, "ok");
    EXPECT_EQ(outcome.fetched->location, "/x");
    EXPECT_EQ(outcome.fetched->fields,
              (std::vector<std::pair<std::string, std::string>>{{"Link", "<a>"}, {"Link", "<b>"}}));
    EXPECT_EQ(outcome.fetched->field("Link"), "<a>");
    EXPECT_EQ(outcome.fetched->field("Retry-After"), "");
    EXPECT_TRUE(outcome.asked.starts_with("POST / HTTP/1.1\r\n")) << outcome.asked;
    EXPECT_TRUE(outcome.asked.contains("Content-Length: 2\r\n")) << outcome.asked;
    EXPECT_TRUE(outcome.asked.contains("Content-Type: application/json\r\n")) << outcome.asked;
}

TEST(Fetch, TellsWhatWentWrong) {
    std::string interim;
    for (int i = 0; i < 17; ++i) interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
    struct Case {
        std::string_view name;
        Answer answer;
        std::string_view reason;
    };
    const Case cases[] = {
        {"nothing", {"", End::finish}, "fetch.cut"},
        {"half a head", {"HTTP/1.1 200", End::finish}, "fetch.cut"},
        {"short of its length", {ok + "Content-Length: 6\r\n\r\nhello", End::finish}, "fetch.cut"},
        {"within a chunk",
         {ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe", End::finish},
         "fetch.cut"},
        {"reset", {ok + "\r\nhel", End::reset}, "fetch.cut"},
        {"no HTTP", {"SSH-2.0-x\r\n\r\n", End::open}, "fetch.malformed"},
        {"bad chunk",
         {ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", End::open},
         "fetch.malformed"},
        {"switched",
         {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
          End::open},
         "fetch.malformed"},
        {"interim answers without end", {interim, End::open}, "fetch.malformed"},
        {"too long", {ok + "\r\n" + std::string(65 * 1024, 'x'), End::open}, "fetch.too_large"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.name);
        const auto outcome = fetch_from(c.answer);
        ASSERT_FALSE(outcome.fetched);
        EXPECT_EQ(outcome.fetched.error().reason, c.reason);
    }
}

TEST(Fetch, TakesABodyUpToItsLimitAndNotBeyond) {
    const std::string body(100, 'x');
    for (const std::size_t most : {std::size_t{100}, std::size_t{99}}) {
        FetchRequest request;
        request.body_bytes_max = most;
        const auto outcome =
            fetch_from({ok + "Content-Length: 100\r\n\r\n" + body, End::open}, std::move(request));
        EXPECT_EQ(outcome.fetched.has_value(), most == 100);
    }
}

TEST(Fetch, GivesUpOnASilentServer) {
    FetchRequest request;
    request.timeout = milliseconds(30);
    const auto outcome = fetch_from({ok + "Content-Length: 6\r\n\r\nhello", End::open}, request);
    ASSERT_FALSE(outcome.fetched);
    EXPECT_EQ(outcome.fetched.error().kind, ErrorKind::deadline_exceeded);
    EXPECT_EQ(outcome.fetched.error().reason, "fetch.timeout");
}

TEST(Fetch, WaitsForAConnectionNoLongerThanItIsTold) {
    const auto tls = net::TlsClientContext::make({});
    ASSERT_TRUE(tls);
    const auto fd = net::open_listening_socket(*net::Address::parse("127.0.0.1", 0));
    ASSERT_TRUE(fd);  // and nobody takes what comes
    net::Loop loop;
    Outcome outcome;
    FetchRequest request{.address = net::local_address(*fd), .tls = tls->get()};
    request.server_name = "h.example";
    request.timeout = std::chrono::minutes(1);
    request.connect_timeout = milliseconds(30);
    spawn(ask(loop, request, outcome));
    loop.run();
    ASSERT_FALSE(outcome.fetched);
    EXPECT_EQ(outcome.fetched.error().reason, "fetch.connect");
    EXPECT_EQ(outcome.fetched.error().kind, ErrorKind::deadline_exceeded);
    ::close(*fd);
    FetchRequest slow;
    slow.timeout = milliseconds(60);
    slow.connect_timeout = milliseconds(30);
    outcome = fetch_from({ok + "Content-Length: 6\r\n\r\nhello", End::open}, slow);
    EXPECT_EQ(outcome.fetched ? "" : outcome.fetched.error().reason, "fetch.timeout");
}

TEST(Fetch, TellsThatNobodyListensOrSpeaksTls) {
    net::Loop loop;
    Outcome outcome;
    FetchRequest request;
    {
        const auto fd = net::open_listening_socket(*net::Address::parse("127.0.0.1", 0));
        ASSERT_TRUE(fd);
        request.address = net::local_address(*fd);
        ::close(*fd);
    }
    spawn(ask(loop, request, outcome));
    loop.run();
    EXPECT_EQ(outcome.fetched ? "" : outcome.fetched.error().reason, "fetch.connect");

    const auto tls = net::TlsClientContext::make({});
    ASSERT_TRUE(tls);
    FetchRequest encrypted;
    encrypted.tls = tls->get();
    encrypted.server_name = "h.example";
    const auto plain = [](net::Loop& l, int fd) -> Task<> {
        FarEnd end(l, fd);
        co_await end.send("HTTP/1.1 400 Bad Request\r\n\r\n");
        (void)co_await end.rest();
    };
    const auto fd = net::open_listening_socket(*net::Address::parse("127.0.0.1", 0));
    ASSERT_TRUE(fd);
    net::Loop other;
    net::Listener listener(
        other, *fd, [&](int accepted, const net::Address&) { spawn(plain(other, accepted)); });
    encrypted.address = listener.address();
    spawn(ask(other, encrypted, outcome));
    other.run();
    EXPECT_EQ(outcome.fetched ? "" : outcome.fetched.error().reason, "fetch.tls");
    listener.close();
    for (int i = 0; i < 3; ++i) {
        other.stop();
        other.run();
    }
}

}  // namespace
}  // namespace gh::http
