#include <gtest/gtest.h>

#include <string>

#include "http/h1_head.hpp"

namespace gh::http {
namespace {

using namespace std::string_view_literals;
using State = HeadResult::State;

HeadResult parse(std::string_view bytes, ResponseHead& head, Method method = Method::get) {
    std::size_t scanned = 0;
    return parse_response_head(bytes, {}, method, head, scanned);
}

TEST(ResponseHead, FramesTheBodyByStatusMethodAndFields) {
    struct Case {
        std::string_view line, fields;
        Method method;
        Framing framing;
        std::uint64_t length;
        bool keep_alive;
    };
    constexpr auto get = Method::get;
    constexpr auto head_method = Method::head;
    constexpr Case cases[] = {
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\n", get, Framing::length, 5, true},
        {"HTTP/1.1 200 OK", "Content-Length: 0\r\n", get, Framing::none, 0, true},
        {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", get, Framing::chunked, 0, true},
        {"HTTP/1.1 200 OK", "", get, Framing::until_close, 0, false},
        {"HTTP/1.0 200 OK", "", get, Framing::until_close, 0, false},
        {"HTTP/1.0 200 OK", "Content-Length: 5\r\n", get, Framing::length, 5, false},
        {"HTTP/1.0 200 OK", "Content-Length: 5\r\nConnection: keep-alive\r\n", get, Framing::length,
         5, true},
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\nConnection: close\r\n", get, Framing::length, 5,
         false},
        {"HTTP/1.1 200 OK", "Content-Length: 5\r\n", head_method, Framing::none, 0, true},
        {"HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", head_method, Framing::none, 0, true},
        {"HTTP/1.1 200 OK", "", head_method, Framing::none, 0, true},
        {"HTTP/1.1 304 Not Modified", "Content-Length: 5\r\n", get, Framing::none, 0, true},
        {"HTTP/1.1 204 No Content", "", get, Framing::none, 0, true},
        {"HTTP/1.1 204 No Content", "Content-Length: 0\r\n", get, Framing::none, 0, true},
        {"HTTP/1.1 204 No Content", "Content-Length: 5\r\n", get, Framing::none, 0, false},
        {"HTTP/1.1 204 No Content", "Transfer-Encoding: chunked\r\n", get, Framing::none, 0, false},
        {"HTTP/1.1 100 Continue", "", get, Framing::none, 0, true},
        {"HTTP/1.1 103 Early Hints", "Link: </a>\r\n", get, Framing::none, 0, true},
        {"HTTP/1.1 101 Switching Protocols", "Upgrade: websocket\r\n", get, Framing::tunnel, 0,
         false},
        {"HTTP/1.1 205 Reset Content", "Content-Length: 0\r\n", get, Framing::none, 0, true},
        {"HTTP/1.1 200", "Content-Length: 1\r\n", get, Framing::length, 1, true},
        {"HTTP/1.1 200 ", "Content-Length: 1\r\n", get, Framing::length, 1, true},
        {"HTTP/1.1 599 \xc3\xa9t\xc3\xa9", "Content-Length: 1\r\n", get, Framing::length, 1, true},
    };
    ResponseHead head;
    for (const auto& c : cases) {
        const auto text = std::string(c.line) + "\r\n" + std::string(c.fields) + "\r\n";
        SCOPED_TRACE(text);
        const auto result = parse(text, head, c.method);
        ASSERT_EQ(result.state, State::complete) << result.reason;
        EXPECT_EQ(result.bytes, text.size());
        EXPECT_EQ(head.body.kind, c.framing);
        EXPECT_EQ(head.body.length, c.length);
        EXPECT_EQ(head.keep_alive, c.keep_alive);
    }
}

TEST(ResponseHead, ReadsStatusReasonVersionAndFields) {
    ResponseHead head;
    ASSERT_EQ(parse("HTTP/1.0 404 Not  here\r\nServer: x\r\n\r\n", head).state, State::complete);
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.reason, "Not  here");
    EXPECT_EQ(head.version, Version::http_1_0);
    EXPECT_EQ(head.fields.value(FieldId::server), "x");
}

TEST(ResponseHead, RefusesMalformedOnes) {
    constexpr std::string_view cases[] = {
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 +20 OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 200\tOK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\rX: y\r\n\r\n",
        "HTTP/1.1 200 O\0K\r\n\r\n"sv,
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"sv,
        "HTTP/1.1 200 OK\r\n: a\r\n\r\n",
    };
    for (const auto text : cases) {
        SCOPED_TRACE(testing::PrintToString(std::string(text)));
        ResponseHead head;
        const auto result = parse(text, head);
        EXPECT_EQ(result.state, State::refused);
        EXPECT_EQ(result.status, 502);
        EXPECT_EQ(result.reason, "upstream.malformed");
    }
}

TEST(ResponseHead, HoldsItsLimits) {
    std::size_t scanned = 0;
    ResponseHead head;
    const auto many = "HTTP/1.1 200 OK\r\nX: y\r\nX: y\r\nX: y\r\n\r\n";
    auto result = parse_response_head(many, {.fields_max = 2}, Method::get, head, scanned);
    EXPECT_EQ(result.reason, "upstream.head_too_large");
    result = parse_response_head(many, {.bytes_max = 20}, Method::get, head, scanned);
    EXPECT_EQ(result.reason, "upstream.head_too_large");
}

TEST(ResponseHead, IsReadFromPieces) {
    constexpr auto text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n"sv;
    ResponseHead head;
    std::size_t scanned = 0;
    for (std::size_t size = 0; size < text.size(); ++size) {
        const std::string exact(text.substr(0, size));
        ASSERT_EQ(parse_response_head(exact, {}, Method::get, head, scanned).state,
                  State::incomplete)
            << size;
    }
    EXPECT_EQ(parse_response_head(text, {}, Method::get, head, scanned).state, State::complete);
}

}  // namespace
}  // namespace gh::http
