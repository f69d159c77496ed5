#include "telemetry/json_text.hpp"

#include "codec/json.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace gh::telemetry {
namespace {

std::string text_of(std::string_view text) {
    std::string out = "<";
    append_json_text(out, text);
    return out.substr(1);
}

TEST(JsonText, EscapesWhatJsonWantsAndTerminalsFear) {
    struct Case {
        std::string_view in, out;
    };
    using namespace std::string_view_literals;
    constexpr Case cases[] = {
        {"", ""},
        {"plain text, nothing else in it.", "plain text, nothing else in it."},
        {"a\"b", "a\\\"b"},
        {"back\\slash", "back\\\\slash"},
        {"\n\r\t", "\\n\\r\\t"},
        {"\0\x01\x1b[31m\x1f"sv, "\\u0000\\u0001\\u001b[31m\\u001f"},
        {"\x7f", "\\u007f"},
        {"\xc2\x9b"
         "31m",
         "\\u009b31m"},
        {"\xc2\xa0", "\xc2\xa0"},
        {"line one\nline two is longer than eight", "line one\\nline two is longer than eight"},
    };
    for (const auto& c : cases) EXPECT_EQ(text_of(c.in), c.out);
}

TEST(JsonText, ReplacesIllFormedUtf8ByMaximalSubparts) {
    struct Case {
        std::string_view in, out;
    };
    constexpr Case cases[] = {
        {"\xc3\xa9", "\xc3\xa9"},
        {"\xe2\x82\xac", "\xe2\x82\xac"},
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\x80", "\\ufffd"},
        {"\xff\xfe", "\\ufffd\\ufffd"},
        {"\xc0\xaf", "\\ufffd\\ufffd"},                        // overlong
        {"\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd"},             // overlong
        {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd"},             // surrogate
        {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"},  // beyond U+10FFFF
        {"\xf5\x80", "\\ufffd\\ufffd"},
        {"\xe2\x82", "\\ufffd"},  // cut short: one subpart
        {"\xe2\x82"
         "A",
         "\\ufffdA"},
        {"\xf0\x9f\x98"
         "\"",
         "\\ufffd\\\""},
        {"\xc3", "\\ufffd"},
    };
    for (const auto& c : cases) EXPECT_EQ(text_of(c.in), c.out);
}

TEST(JsonText, EveryByteAtEveryPlaceOfAWordIsSeen) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        for (std::size_t place = 0; place < 17; ++place) {
            std::string in(17, 'a');
            in[place] = static_cast<char>(byte);
            const auto alone = text_of(std::string_view(&in[place], 1));
            const auto expected = in.substr(0, place) + alone + in.substr(place + 1);
            EXPECT_EQ(text_of(in), expected) << byte << " at " << place;
        }
    }
}

TEST(JsonText, AnotherParserAcceptsAnyBytesAndReadsCleanOnesBack) {
    std::mt19937 random(7);
    for (int round = 0; round < 5000; ++round) {
        std::string in(random() % 40, '\0');
        const bool clean = round % 2 == 0;
        for (char& c : in) c = static_cast<char>(clean ? random() % 0x80 : random());
        const std::string json = "[\"" + text_of(in) + "\"]";
        EXPECT_LE(json.size(), in.size() * json_growth_max + 4);
        const auto read = codec::json::parse(json);
        ASSERT_TRUE(read.has_value()) << json;
        const auto* back = read->array()->front().string();
        ASSERT_NE(back, nullptr);
        if (clean) {
            EXPECT_EQ(*back, in);
        }
    }
}

TEST(AsciiRun, StopsBeforeWhatIsNoneAndLessThanAWordEarly) {
    for (const char odd : {'\0', '\x80', '\xff'}) {
        for (std::size_t size = 0; size < 40; ++size) {
            for (std::size_t at = 0; at <= size; ++at) {
                std::string text(size, '\x01');
                if (at < size) text[at] = odd;
                const auto run = ascii_run(text);
                EXPECT_LE(run, at);
                EXPECT_GT(run + 8, at);
            }
        }
    }
    EXPECT_EQ(ascii_run("\x7f~ \x01 abc"), 8U);
}

TEST(CutUtf8, NeverSplitsAWellFormedSequence) {
    const std::string_view text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    constexpr std::size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    for (std::size_t bytes = 0; bytes < std::size(ends); ++bytes) {
        EXPECT_EQ(cut_utf8(text, bytes), text.substr(0, ends[bytes])) << bytes;
    }
    EXPECT_EQ(cut_utf8("\x80\x80\x80\x80\x80", 3).size(), 3u);
}

}  // namespace
}  // namespace gh::telemetry
