#include "codec/utf8.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace gh::codec {
namespace {

TEST(Utf8, CountsCharactersAndRefusesWhatIsNone) {
    struct Case {
        std::string_view text;
        std::optional<std::size_t> characters;
    };
    const Case cases[] = {
        {"", 0},
        {"abc", 3},
        {"\u00e4\u20ac", 2},
        {"\U0001f600", 1},
        {"\x80", std::nullopt},
        {"\xc0\x80", std::nullopt},          // overlong NUL
        {"\xe0\x9f\xbf", std::nullopt},      // overlong
        {"\xed\xa0\x80", std::nullopt},      // a surrogate
        {"\xf4\x90\x80\x80", std::nullopt},  // beyond U+10FFFF
        {"\xf5\x80\x80\x80", std::nullopt},
        {"a\xe2\x82", std::nullopt},  // cut off
    };
    for (const auto& c : cases) EXPECT_EQ(utf8_characters(c.text), c.characters) << c.text;
}

TEST(Utf8, SeesControlCharactersOfBothBlocks) {
    using namespace std::string_view_literals;
    for (const auto text : {"\n"sv, "a\0"sv, "\x7f"sv, "\xc2\x80"sv, "x\xc2\x9f"sv})
        EXPECT_TRUE(has_control_character(text)) << text;
    for (const auto text : {""sv, "a b"sv, "\xc2\xa0"sv, "\u00e4\u20ac"sv, "\u0120"sv})
        EXPECT_FALSE(has_control_character(text)) << text;
}

}  // namespace
}  // namespace gh::codec
