#include "http/h1_write.hpp"

#include <gtest/gtest.h>

#include <string>

#include "http/h1_head.hpp"

namespace gh::http {
namespace {

TEST(RequestWriter, OwnsFramingConnectionAndHost) {
    RequestHead head;
    head.method = Method::post;
    head.method_text = "POST";
    head.target = "/a?b";
    head.authority = "upstream:80";
    head.fields.add("Host", "client");
    head.fields.add("Accept", "*/*");
    head.fields.add("Content-Length", "7");
    head.fields.add("Transfer-Encoding", "chunked");
    head.fields.add("Connection", "close");
    head.fields.add("Keep-Alive", "timeout=5");
    head.fields.add("X-Empty", "");

    struct Case {
        BodyFraming body;
        bool keep_alive;
        std::string_view end;
    };
    constexpr Case cases[] = {
        {{Framing::length, 5}, true, "Content-Length: 5\r\n\r\n"},
        {{Framing::chunked, 0}, true, "Transfer-Encoding: chunked\r\n\r\n"},
        {{Framing::none, 0}, false, "Content-Length: 0\r\nConnection: close\r\n\r\n"},
    };
    for (const auto& c : cases) {
        head.body = c.body;
        head.keep_alive = c.keep_alive;
        std::string out = "before";
        append_request_head(out, head);
        EXPECT_EQ(out,
                  "beforePOST /a?b HTTP/1.1\r\nHost: upstream:80\r\nAccept: */*\r\nX-Empty: \r\n" +
                      std::string(c.end));
    }
}

TEST(RequestWriter, AsksForAWebSocketAndNothingElse) {
    RequestHead head;
    head.method = Method::get;
    head.method_text = "GET";
    head.target = "/ws";
    head.authority = "a";
    head.upgrade_websocket = true;
    head.fields.add("Upgrade", "h2c, websocket");
    std::string out;
    append_request_head(out, head);
    EXPECT_EQ(out,
              "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(RequestWriter, ExpectsOnlyWhatTheHeadExpects) {
    RequestHead head;
    head.method = Method::put;
    head.method_text = "PUT";
    head.target = "/";
    head.authority = "a";
    head.body = {Framing::length, 2};
    head.fields.add("Expect", "a-miracle");
    std::string out;
    append_request_head(out, head);
    EXPECT_EQ(out, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n");
    out.clear();
    head.expects_continue = true;
    append_request_head(out, head);
    EXPECT_EQ(out,
              "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
}

TEST(RequestWriter, WritesWhatTheParserReads) {
    RequestHead head;
    head.method = Method::put;
    head.method_text = "PUT";
    head.target = "/x";
    head.authority = "a:1";
    head.body = {Framing::length, 12};
    for (int i = 0; i < 50; ++i) head.fields.add("X-Some-Name", "and some value");
    std::string out;
    append_request_head(out, head);
    RequestHead back;
    std::size_t scanned = 0;
    const auto result = parse_request_head(out, {}, back, scanned);
    ASSERT_EQ(result.state, HeadResult::State::complete) << result.reason;
    EXPECT_EQ(result.bytes, out.size());
    EXPECT_EQ(back.fields.size(), 52U);
    EXPECT_EQ(back.body.length, 12U);
}

TEST(ResponseWriter, FramesByTheBodyAndNotByTheFields) {
    struct Case {
        std::uint16_t status;
        BodyFraming body;
        bool keep_alive;
        Version client;
        std::string_view text;
    };
    constexpr auto v11 = Version::http_1_1;
    constexpr auto v10 = Version::http_1_0;
    constexpr Case cases[] = {
        {200,
         {Framing::length, 3},
         true,
         v11,
         "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 3\r\n\r\n"},
        {200,
         {Framing::length, 0},
         true,
         v11,
         "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 0\r\n\r\n"},
        {200,
         {Framing::length, 3},
         true,
         v10,
         "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"},
        {404,
         {Framing::chunked, 0},
         false,
         v11,
         "HTTP/1.1 404 Not Found\r\nServer: s\r\nTransfer-Encoding: chunked\r\nConnection: "
         "close\r\n\r\n"},
        {200,
         {Framing::until_close, 0},
         true,
         v11,
         "HTTP/1.1 200 OK\r\nServer: s\r\nConnection: close\r\n\r\n"},
        {200,
         {Framing::none, 0},
         true,
         v11,
         "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 99\r\n\r\n"},  // HEAD
        {304,
         {Framing::none, 0},
         true,
         v11,
         "HTTP/1.1 304 Not Modified\r\nServer: s\r\nContent-Length: 99\r\n\r\n"},
        {204, {Framing::none, 0}, true, v11, "HTTP/1.1 204 No Content\r\nServer: s\r\n\r\n"},
        {103, {Framing::none, 0}, false, v11, "HTTP/1.1 103 Early Hints\r\nServer: s\r\n\r\n"},
        {101,
         {Framing::tunnel, 0},
         false,
         v11,
         "HTTP/1.1 101 Switching Protocols\r\nServer: s\r\nConnection: upgrade\r\n\r\n"},
        {299,
         {Framing::length, 0},
         true,
         v11,
         "HTTP/1.1 299 \r\nServer: s\r\nContent-Length: 0\r\n\r\n"},
    };
    for (const auto& c : cases) {
        ResponseHead head;
        head.status = c.status;
        head.body = c.body;
        head.keep_alive = c.keep_alive;
        head.fields.add("Server", "s");
        head.fields.add("Content-Length", "99");
        head.fields.add("Transfer-Encoding", "chunked");
        head.fields.add("Connection", "x");
        std::string out;
        append_response_head(out, head, c.client);
        EXPECT_EQ(out, c.text);
    }
}

TEST(ResponseWriter, KeepsTheUpstreamsReason) {
    ResponseHead head;
    head.status = 200;
    head.reason = "Fine";
    head.body = {Framing::length, 0};
    std::string out;
    append_response_head(out, head);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 200 Fine\r\n"));
}

TEST(DateText, IsImfFixdate) {
    using namespace std::chrono;
    struct Case {
        long long second;
        std::string_view text;
    };
    constexpr Case cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},  // RFC 9110 §5.6.7
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1767225599, "Wed, 31 Dec 2025 23:59:59 GMT"},
    };
    for (const auto& c : cases) {
        const auto at = SystemTime(seconds(c.second));
        EXPECT_EQ(date_text(at), c.text);
        EXPECT_EQ(date_text(at + milliseconds(999)), c.text);
    }
}

}  // namespace
}  // namespace gh::http
