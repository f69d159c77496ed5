#include "http/chunked.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::http {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using State = ChunkedDecoder::State;

struct Outcome {
    State state = State::more;
    std::string body;
    std::string_view reason;
    std::size_t used = 0;
};

/// Feeds pieces of at most `piece` bytes, each an exact copy.
Outcome decode(ChunkedDecoder& decoder, std::string_view bytes, std::size_t piece) {
    Outcome out;
    while (out.state == State::more && out.used < bytes.size()) {
        const std::string exact(bytes.substr(out.used, piece));
        const auto step = decoder.next(exact);
        out.body += step.data;
        out.used += step.bytes;
        out.state = step.state;
        out.reason = step.reason;
    }
    return out;
}

TEST(ChunkedDecoder, GivesTheBodyHoweverItIsCut) {
    constexpr auto text =
        "5\r\nhello\r\n00A;x=\"y z\"\r\n, chunked \r\n1;\r\n!\r\n0;last\r\nX-Sum: 1\r\n\r\nGET /"sv;
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
        SCOPED_TRACE(piece);
        ChunkedDecoder decoder;
        const auto out = decode(decoder, text, piece);
        EXPECT_EQ(out.state, State::done);
        EXPECT_EQ(out.body, "hello, chunked !");
        EXPECT_EQ(text.substr(out.used), "GET /");
        EXPECT_TRUE(decoder.done());
        ASSERT_EQ(decoder.trailers().size(), 1U);
        EXPECT_EQ(decoder.trailers().find("x-sum")->value, "1");
        EXPECT_EQ(decoder.next("more").bytes, 0U);
    }
}

TEST(ChunkedDecoder, HandsDataOutInPlace) {
    const auto text = "5\r\nhello\r\n"s;
    ChunkedDecoder decoder;
    const auto step = decoder.next(text);
    EXPECT_EQ(step.data.data(), text.data() + 3);
}

TEST(ChunkedDecoder, RefusesWhatIsNotClear) {
    struct Case {
        std::string_view bytes, reason;
    };
    constexpr Case cases[] = {
        {"\r\n", "http.chunk_size"},
        {"x\r\n", "http.chunk_size"},
        {" 5\r\nhello", "http.chunk_size"},
        {"5 \r\nhello", "http.chunk_size"},
        {"5 ;a\r\nhello", "http.chunk_size"},
        {"+5\r\nhello", "http.chunk_size"},
        {"-5\r\nhello", "http.chunk_size"},
        {"0x5\r\nhello", "http.chunk_size"},
        {"5\nhello", "http.chunk_size"},
        {"5\rhello", "http.chunk_size"},
        {";a\r\nhello", "http.chunk_size"},
        {"8000000000000000\r\n", "http.chunk_size"},
        {"ffffffffffffffff\r\n", "http.chunk_size"},
        {"10000000000000005\r\nhello", "http.chunk_size"},
        {"00000000000000005\r\nhello", "http.chunk_size"},
        {"5;a\nhello", "http.chunk_extension"},
        {"5;a\0\r\nhello"sv, "http.chunk_extension"},
        {"5;a\rb\r\nhello", "http.chunk_size"},
        {"5\r\nhello!\r\n", "http.chunk_end"},
        {"5\r\nhello\n", "http.chunk_end"},
        {"5\r\nhello\r5", "http.chunk_end"},
        {"5\r\nhello5\r\n", "http.chunk_end"},
        {"0\r\n\n", "http.trailer"},
        {"0\r\nX: y\n\r\n", "http.trailer"},
        {"0\r\nX : y\r\n\r\n", "http.trailer"},
        {"0\r\nX: y\r\n z\r\n\r\n", "http.trailer"},
        {"0\r\n: y\r\n\r\n", "http.trailer"},
        {"0\r\nX: \0\r\n\r\n"sv, "http.trailer"},
        {"0\r\nContent-Length: 5\r\n\r\n", "http.trailer"},
        {"0\r\nTransfer-Encoding: chunked\r\n\r\n", "http.trailer"},
        {"0\r\nHost: b\r\n\r\n", "http.trailer"},
        {"0\r\nAuthorization: Bearer x\r\n\r\n", "http.trailer"},
        {"0\r\nCookie: a=b\r\n\r\n", "http.trailer"},
        {"0\r\nSet-Cookie: a=b\r\n\r\n", "http.trailer"},
        {"0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n", "http.trailer"},
        {"0\r\nX-Gatehouse-Subject: root\r\n\r\n", "http.trailer"},
        {"0\r\nContent-Encoding: gzip\r\n\r\n", "http.trailer"},
        {"0\r\nConnection: close\r\n\r\n", "http.trailer"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::PrintToString(std::string(c.bytes)));
        for (const std::size_t piece : {c.bytes.size(), std::size_t{1}}) {
            ChunkedDecoder decoder;
            const auto out = decode(decoder, c.bytes, piece);
            EXPECT_EQ(out.state, State::refused);
            EXPECT_EQ(out.reason, c.reason);
            EXPECT_EQ(decoder.next("0\r\n\r\n").state, State::refused);  // for good
        }
    }
}

TEST(ChunkedDecoder, AcceptsTheLargestSizeAndLeadingZeros) {
    ChunkedDecoder decoder;
    EXPECT_EQ(decoder.next("7fffffffffffffff\r\nx").data, "x");
    ChunkedDecoder zeros;
    EXPECT_EQ(zeros.next("0000000000000005\r\nhello").data, "hello");
}

TEST(ChunkedDecoder, LetsExtensionsGrowOnlyWithTheData) {
    ChunkedDecoder decoder({.extension_bytes_max = 8});
    EXPECT_EQ(decode(decoder, "1;1234\r\na\r\n1;123456\r\nb\r\n", 64).reason,
              "http.chunk_extension");
    ChunkedDecoder generous({.extension_bytes_max = 8});
    std::string text;
    for (int i = 0; i < 100; ++i) text += "a;123456789\r\n0123456789\r\n";
    text = "1\r\nx\r\n" + text + "0\r\n\r\n";
    EXPECT_EQ(decode(generous, text, text.size()).state, State::done);
}

TEST(ChunkedDecoder, HoldsTheLimitsOfTrailers) {
    const auto section = [](std::size_t size) {  // with its empty line
        return "0\r\nX: " + std::string(size - 7, 'x') + "\r\n\r\n";
    };
    ChunkedDecoder fits({.trailer_bytes_max = 64});
    EXPECT_EQ(decode(fits, section(64), 100).state, State::done);
    ChunkedDecoder too_long({.trailer_bytes_max = 64});
    EXPECT_EQ(decode(too_long, section(65), 100).reason, "http.trailer");
    ChunkedDecoder endless({.trailer_bytes_max = 64});
    EXPECT_EQ(decode(endless, "0\r\n" + std::string(100, 'x'), 1).reason, "http.trailer");
    ChunkedDecoder too_many({.trailers_max = 2});
    EXPECT_EQ(decode(too_many, "0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", 100).reason, "http.trailer");
}

TEST(ChunkedDecoder, IsUsedAgainAfterReset) {
    ChunkedDecoder decoder;
    EXPECT_EQ(decode(decoder, "1\r\na\r\n0\r\nX: y\r\n\r\n", 100).state, State::done);
    decoder.reset();
    EXPECT_EQ(decoder.trailers().size(), 0U);
    const auto out = decode(decoder, "1\r\nb\r\n0\r\n\r\n", 100);
    EXPECT_EQ(out.state, State::done);
    EXPECT_EQ(out.body, "b");
}

TEST(ChunkWriter, WritesWhatTheDecoderReads) {
    constexpr std::pair<std::uint64_t, std::string_view> cases[] = {
        {1, "1\r\n"},
        {15, "f\r\n"},
        {16, "10\r\n"},
        {65536, "10000\r\n"},
        {UINT64_MAX, "ffffffffffffffff\r\n"}};
    for (const auto& [size, text] : cases) {
        char out[chunk_header_bytes_max];
        EXPECT_EQ(std::string_view(out, write_chunk_header(out, size)), text);
    }
    Fields trailers;
    trailers.add("X-Sum", "1");
    std::string end;
    append_last_chunk(end, trailers);
    EXPECT_EQ(end, "0\r\nX-Sum: 1\r\n\r\n");
    end.clear();
    append_last_chunk(end, {});
    EXPECT_EQ(end, last_chunk);
}

}  // namespace
}  // namespace gh::http
