#include "http/h1_lines.hpp"

#include <gtest/gtest.h>

namespace gh::http::h1 {
namespace {

TEST(HeadLines, AreWorthParsingWhenTheyEndOrGoWrong) {
    struct Case {
        std::string_view bytes;
        std::size_t scanned;
        bool worth;
    };
    constexpr Case cases[] = {
        {"G", 0, true},  // never seen
        {"GET / HTTP/1.1", 3, false},
        {"GET / HTTP/1.1\r\n", 15, false},  // a line, not the end
        {"GET / HTTP/1.1\r\nA: b\r\n", 18, false},
        {"GET / HTTP/1.1\r\nA: b\r\n\r", 18, false},
        {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 23, true},  // only the last byte is new
        {"GET / HTTP/1.1\r\nA: b\r\n\r\n", 20, true},
        {"GET / HTTP/1.1\r\nA: b\n", 18, true},
        {"\n", 1, false},    // was judged when it came
        {"\r\n", 1, false},  // the one empty line before the request line
        {"\r\n\r\n", 2, true},
        {"0123456789abcdef", 3, true},  // at the limit
    };
    for (const auto& c : cases) {
        EXPECT_EQ(is_worth_parsing(c.bytes, c.scanned, c.bytes.front() == '0' ? 16 : 64), c.worth)
            << c.bytes << " from " << c.scanned;
    }
}

TEST(HeadLines, LengthsAreDigitsThatFit) {
    EXPECT_EQ(parse_length("0"), 0U);
    EXPECT_EQ(parse_length("00012"), 12U);
    EXPECT_EQ(parse_length("9223372036854775807"), 9223372036854775807U);
    for (const auto text : {"", "+1", "-1", "1 ", "1,1", "0x1", "1e3", "9223372036854775808",
                            "99999999999999999999"}) {
        EXPECT_FALSE(parse_length(text).has_value()) << text;
    }
}

TEST(HeadLines, CodingsAreChunkedOrUnknownOrMalformed) {
    EXPECT_EQ(transfer_coding("chunked"), Coding::chunked);
    EXPECT_EQ(transfer_coding("CHUNKED"), Coding::chunked);
    for (const auto text : {"gzip, chunked", "deflate,gzip , chunked", "x;q=1, chunked"}) {
        EXPECT_EQ(transfer_coding(text), Coding::unknown) << text;
    }
    for (const auto text :
         {"", "gzip", "chunked, gzip", "chunked, chunked", ", chunked", "chunked,", "chunked;a=b",
          "\"chunked\"", "gzip chunked", "chun ked", "identity"}) {
        EXPECT_EQ(transfer_coding(text), Coding::malformed) << text;
    }
}

TEST(HeadLines, ConnectionOptionsAddUp) {
    ConnectionOptions options;
    read_connection("keep-alive", options);
    EXPECT_TRUE(options.keep_alive);
    EXPECT_FALSE(options.close || options.upgrade);
    read_connection("x-other , UPGRADE,Close", options);
    EXPECT_TRUE(options.close && options.upgrade);
}

}  // namespace
}  // namespace gh::http::h1
