#include "codec/utf8.hpp"

#include <gtest/gtest.h>

namespace gh::codec {
namespace {

using namespace std::string_view_literals;

// RFC 3629 §3, §4 and §10: both ends of each range.
TEST(Utf8, IsWholeCharactersInTheirOnlySpelling) {
    struct Case {
        std::string_view text;
        bool good;
    };
    constexpr Case cases[] = {
        {"", true},
        {"plain", true},
        {"a\0b"sv, true},
        {"\xc2\x80\xdf\xbf", true},
        {"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
        {"gr\xc3\xbc\xc3\x9f\x65", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\xaf", false},
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xc3", false},
        {"\xc3z", false},
        {"\xc3\xc3\xbc", false},
        {"\xe2\x82", false},
        {"\xe2\x82z", false},
        {"\xf0\x9d\x84z", false},
        {"good, then \xe4 of Latin 1", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        EXPECT_EQ(is_utf8(c.text), c.good);
    }
}

TEST(Utf8, CountsCharacters) {
    EXPECT_EQ(utf8_characters(""), 0U);
    EXPECT_EQ(utf8_characters("a\u00e4\u20ac\U0001f600"), 4U);
    EXPECT_EQ(utf8_characters("a\xe2\x82"), std::nullopt);
}

TEST(Utf8, SeesControlCharactersOfBothBlocks) {
    for (const auto text : {"\n"sv, "a\0"sv, "\x7f"sv, "\xc2\x80"sv, "x\xc2\x9f"sv})
        EXPECT_TRUE(has_control_character(text)) << text;
    for (const auto text : {""sv, "a b"sv, "\xc2\xa0"sv, "\u00e4\u20ac"sv, "\u0120"sv})
        EXPECT_FALSE(has_control_character(text)) << text;
}

}  // namespace
}  // namespace gh::codec
