#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>

#include "http/h1_head.hpp"

namespace gh::http {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using State = HeadResult::State;

HeadResult parse(std::string_view bytes, RequestHead& head, const HeadLimits& limits = {}) {
    std::size_t scanned = 0;
    return parse_request_head(bytes, limits, head, scanned);
}

/// The same bytes, one more at a time, as a slow client sends them.
HeadResult drip(std::string_view bytes, RequestHead& head, const HeadLimits& limits = {}) {
    std::size_t scanned = 0;
    HeadResult result;
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        result = parse_request_head(bytes.substr(0, size), limits, head, scanned);
        if (result.state != State::incomplete) break;
    }
    return result;
}

TEST(RequestHead, ReadsLineFieldsAndWhereTheBodyBegins) {
    constexpr auto text =
        "POST /a/b?c=d HTTP/1.1\r\nHost: api.example.com:8443\r\nX-Empty:\r\nX-Padded: \t two "
        "words \t\r\n"
        "Content-Length: 5\r\n\r\nhello"sv;
    RequestHead head;
    const auto result = parse(text, head);
    ASSERT_EQ(result.state, State::complete) << result.reason;
    EXPECT_EQ(text.substr(result.bytes), "hello");
    EXPECT_EQ(head.method, Method::post);
    EXPECT_EQ(head.method_text, "POST");
    EXPECT_EQ(head.target, "/a/b?c=d");
    EXPECT_EQ(head.authority, "api.example.com:8443");
    EXPECT_EQ(head.scheme, "");
    EXPECT_EQ(head.version, Version::http_1_1);
    EXPECT_EQ(head.body.kind, Framing::length);
    EXPECT_EQ(head.body.length, 5U);
    EXPECT_TRUE(head.keep_alive);
    ASSERT_EQ(head.fields.size(), 4U);
    EXPECT_EQ(head.fields.find("x-empty")->value, "");
    EXPECT_EQ(head.fields.find("x-padded")->value, "two words");
    EXPECT_EQ(head.fields.find(FieldId::content_length)->name, "Content-Length");
}

struct Refusal {
    std::string_view bytes;
    std::uint16_t status;
    std::string_view reason;
};

/// Whole or byte by byte, the verdict is the same.
void expect_refused(std::span<const Refusal> cases) {
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::PrintToString(std::string(c.bytes)));
        RequestHead head;
        const auto whole = parse(c.bytes, head);
        EXPECT_EQ(whole.state, State::refused);
        EXPECT_EQ(whole.status, c.status);
        EXPECT_EQ(whole.reason, c.reason);
        const auto ended = std::string(c.bytes) + "\r\n\r\n";  // dripped, it is judged when it ends
        const auto slow = drip(ended, head);
        EXPECT_EQ(slow.state, State::refused);
        EXPECT_EQ(slow.reason, c.reason);
    }
}

TEST(RequestHead, RefusesRequestLinesThatTwoReadersCouldUnderstandDifferently) {
    constexpr Refusal cases[] = {
        // line ends
        {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400, "http.line_end"},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400, "http.line_end"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400, "http.line_end"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\rX", 400, "http.line_end"},
        {"GET / HTTP/1.1\r\nHost: a\rX-B: c\r\n\r\n", 400, "http.line_end"},
        {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\n: c\r\n\r\n", 400, "http.line_end"},
        {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.line_end"},
        {"GET\n/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.line_end"},
        {"GET /\n", 400, "http.line_end"},
        // request line
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET /\r\n\r\n", 400, "http.request_line"},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET / HTTP/1.1x\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET / HTTP/11\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET / /b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.request_line"},
        {"GET / a line that never comes to an end", 400, "http.request_line"},
        {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.method"},
        {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.method"},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv, 400, "http.method"},  // TLS
        {"GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n"sv, 400, "http.method"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n", 501, "http.method"},
        {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501, "http.connect"},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505, "http.version"},
        {"GET / HTTP/0.9\r\n\r\n", 505, "http.version"},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http.version"},
    };
    expect_refused(cases);
}

TEST(RequestHead, RefusesTargetsThatTheirMethodDoesNotHave) {
    constexpr Refusal cases[] = {
        {"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"sv, 400, "http.target"},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, "http.target"},
        {"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET http:/a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
        {"GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400, "http.target"},
    };
    expect_refused(cases);
}

TEST(RequestHead, RefusesFieldsAndHostsThatAreNotClear) {
    constexpr Refusal cases[] = {
        // fields
        {"GET / HTTP/1.1\r\nHost: a\r\nX-B: c\r\n d\r\n\r\n", 400, "http.folding"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\tX-B: c\r\n\r\n", 400, "http.folding"},
        {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400, "http.folding"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 3\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX(Y): b\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\0Y: b\r\n\r\n"sv, 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX\x80: b\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400, "http.field_name"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"sv, 400, "http.field_value"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: \x0b\r\n\r\n", 400, "http.field_value"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: b\x7f\r\n\r\n", 400, "http.field_value"},
        // host
        {"GET / HTTP/1.1\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhOST: b\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "http.host"},
        {"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400, "http.host"},
        {"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", 400, "http.host"},
        {"GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", 400, "http.host"},
        {"GET http://a/ HTTP/1.1\r\n\r\n", 400, "http.host"},
    };
    expect_refused(cases);
}

TEST(RequestHead, RefusesFramingThatIsNotClear) {
    constexpr Refusal cases[] = {
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400,
         "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400,
         "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400, "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n", 400,
         "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551621\r\n\r\n", 400,
         "http.content_length"},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         400, "http.framing"},
        {"POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n",
         400, "http.framing"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", 400, "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: , chunked\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400, "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: "
         "chunked\r\n\r\n",
         400, "http.transfer_encoding"},
        {"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
         "http.transfer_encoding"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n", 417, "http.expectation"},
        {"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: more\r\n\r\n", 417,
         "http.expectation"},
    };
    expect_refused(cases);
}

TEST(RequestHead, AcceptsWhatIsUnusualButClear) {
    struct Case {
        std::string_view bytes, target, authority, scheme;
    };
    constexpr Case cases[] = {
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", "a", ""},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", "a", ""},
        {"GET http://a.b:81/c?d HTTP/1.1\r\nHost: A.B:81\r\n\r\n", "/c?d", "a.b:81", "http"},
        {"GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n", "/", "a", "https"},
        {"OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "*", "a", "http"},
        {"GET / HTTP/1.0\r\n\r\n", "/", "", ""},
        {"GET //b/../c;d=%2e|{}\" HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", "//b/../c;d=%2e|{}\"",
         "[::1]:8443", ""},
        {"BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "/pot", "a", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::PrintToString(std::string(c.bytes)));
        RequestHead head;
        for (const auto& result : {parse(c.bytes, head), drip(c.bytes, head)}) {
            ASSERT_EQ(result.state, State::complete) << result.reason;
            EXPECT_EQ(result.bytes, c.bytes.size());
            EXPECT_EQ(head.target, c.target);
            EXPECT_EQ(head.authority, c.authority);
            EXPECT_EQ(head.scheme, c.scheme);
        }
    }
}

TEST(RequestHead, TellsHowBodyAndConnectionGoOn) {
    struct Case {
        std::string_view line, fields;
        Framing framing;
        bool keep_alive, expects_continue, websocket;
    };
    constexpr Case cases[] = {
        {"GET / HTTP/1.1", "", Framing::none, true, false, false},
        {"GET / HTTP/1.1", "Connection: close\r\n", Framing::none, false, false, false},
        {"GET / HTTP/1.1", "Connection: keep-alive, CLOSE\r\n", Framing::none, false, false, false},
        {"GET / HTTP/1.0", "", Framing::none, false, false, false},
        {"GET / HTTP/1.0", "Connection: Keep-Alive\r\n", Framing::none, true, false, false},
        {"GET / HTTP/1.0", "Connection: keep-alive\r\nConnection: close\r\n", Framing::none, false,
         false, false},
        {"POST / HTTP/1.1", "Content-Length: 0\r\n", Framing::none, true, false, false},
        {"POST / HTTP/1.1", "Content-Length: 007\r\n", Framing::length, true, false, false},
        {"POST / HTTP/1.1", "Content-Length: 9223372036854775807\r\n", Framing::length, true, false,
         false},
        {"POST / HTTP/1.1", "Transfer-Encoding: Chunked\r\n", Framing::chunked, true, false, false},
        {"POST / HTTP/1.1", "Content-Length: 5\r\nExpect: 100-Continue\r\n", Framing::length, true,
         true, false},
        {"GET / HTTP/1.1", "Expect: 100-continue\r\n", Framing::none, true, false, false},
        {"POST / HTTP/1.0", "Content-Length: 5\r\nExpect: x\r\n", Framing::length, false, false,
         false},
        {"GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", Framing::none, true,
         false, true},
        {"GET / HTTP/1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: h2c, WebSocket\r\n",
         Framing::none, true, false, true},
        {"GET / HTTP/1.1", "Upgrade: websocket\r\n", Framing::none, true, false, false},
        {"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", Framing::none, true, false,
         false},
        {"GET / HTTP/1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", Framing::none, false,
         false, false},
        {"POST / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\n", Framing::none, true,
         false, false},
        {"GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n",
         Framing::length, true, false, false},
    };
    RequestHead head;  // reused: nothing of one request may be left for the next
    for (const auto& c : cases) {
        const auto text = std::string(c.line) + "\r\nHost: a\r\n" + std::string(c.fields) + "\r\n";
        SCOPED_TRACE(text);
        const auto result = parse(text, head);
        ASSERT_EQ(result.state, State::complete) << result.reason;
        EXPECT_EQ(head.body.kind, c.framing);
        EXPECT_EQ(head.keep_alive, c.keep_alive);
        EXPECT_EQ(head.expects_continue, c.expects_continue);
        EXPECT_EQ(head.upgrade_websocket, c.websocket);
    }
}

TEST(RequestHead, IsReadFromPiecesWithoutStartingOver) {
    const auto text =
        "GET / HTTP/1.1\r\nHost: a\r\nX-Long: "s + std::string(20'000, 'x') + "\r\n\r\nrest";
    RequestHead head;
    std::size_t scanned = 0;
    for (std::size_t size = 1; size < text.size() - 4; ++size) {
        const auto result =
            parse_request_head(std::string_view(text).substr(0, size), {}, head, scanned);
        ASSERT_EQ(result.state, State::incomplete) << size;
        ASSERT_EQ(scanned, size);
    }
    const auto result = parse_request_head(text, {}, head, scanned);
    EXPECT_EQ(result.state, State::complete);
    EXPECT_EQ(result.bytes, text.size() - 4);
    EXPECT_EQ(scanned, 0U);
}

TEST(RequestHead, HoldsItsLimitsToTheByte) {
    const auto with_target = [](std::size_t size) {
        return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    const auto with_fields = [](std::size_t count) {
        std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
        for (std::size_t i = 1; i < count; ++i) text += "X: y\r\n";
        return text + "\r\n";
    };
    const auto with_bytes = [](std::size_t size) {
        std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        return text + std::string(size - text.size() - 4, 'x') + "\r\n\r\n";
    };
    struct Case {
        std::string bytes;
        std::uint16_t status;
        std::string_view reason;
    };
    const Case cases[] = {
        {with_target(64), 0, ""},
        {with_target(65), 414, "http.target_too_long"},
        {"GET /" + std::string(80, 'a'), 414, "http.target_too_long"},
        {with_fields(8), 0, ""},
        {with_fields(9), 431, "http.fields_too_many"},
        {with_bytes(256), 0, ""},
        {with_bytes(257), 431, "http.head_too_large"},
        {with_bytes(5000), 431, "http.head_too_large"},
        {with_bytes(5000).substr(0, 256), 431, "http.head_too_large"},
    };
    constexpr HeadLimits limits{.bytes_max = 256, .fields_max = 8, .target_bytes_max = 64};
    for (const auto& c : cases) {
        SCOPED_TRACE(c.bytes);
        RequestHead head;
        const auto result = parse(c.bytes, head, limits);
        EXPECT_EQ(result.status, c.status);
        EXPECT_EQ(result.reason, c.reason);
        EXPECT_EQ(result.state, c.status == 0 ? State::complete : State::refused);
    }
    RequestHead head;
    EXPECT_EQ(parse(with_bytes(5000).substr(0, 255), head, limits).state, State::incomplete);
}

TEST(RequestHead, IncompleteHeadsAreNeverJudgedComplete) {
    constexpr auto text = "\r\nPOST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"sv;
    for (std::size_t size = 0; size < text.size(); ++size) {
        RequestHead head;
        const std::string exact(text.substr(0, size));  // so that a read past the end is seen
        EXPECT_EQ(parse(exact, head).state, State::incomplete) << size;
    }
}

}  // namespace
}  // namespace gh::http
