#include "http/characters.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::http {
namespace {

TEST(Characters, FindTheFirstWrongByteWhereverItStands) {
    // Every length and place around the vector width.
    for (std::size_t size = 1; size <= 40; ++size) {
        for (std::size_t at = 0; at < size; ++at) {
            for (int c = 0; c < 256; ++c) {
                std::string text(size, 'a');
                text[at] = static_cast<char>(c);
                const bool in_value = c == '\t' || (c >= 0x20 && c != 0x7f);
                const bool in_target = c > 0x20 && c < 0x7f && c != '#';
                ASSERT_EQ(value_prefix(text), in_value ? size : at) << c;
                ASSERT_EQ(target_prefix(text), in_target ? size : at) << c;
                const bool in_token = is_token(text.substr(at, 1));  // by the table
                ASSERT_EQ(token_prefix(text), in_token ? size : at) << c;
            }
        }
    }
}

TEST(Characters, TokensAreTchars) {
    EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
    for (const char c : std::string_view("\"(),/:;<=>?@[\\]{} \t\r\n\x7f\x80\0", 23)) {
        EXPECT_FALSE(is_token(std::string_view(&c, 1))) << static_cast<int>(c);
    }
    EXPECT_FALSE(is_token(""));
}

TEST(Characters, FieldValuesHaveNoControlsAndNoOuterWhitespace) {
    EXPECT_TRUE(is_field_value(""));
    EXPECT_TRUE(is_field_value("a b\tc \xc3\xa9"));
    for (const std::string_view text : {" a", "a ", "\ta", "a\r", "a\nb", "a\x7f", "\x01"}) {
        EXPECT_FALSE(is_field_value(text)) << text;
    }
    EXPECT_FALSE(is_field_value(std::string_view("a\0b", 3)));
}

TEST(Characters, AuthoritiesAreHostAndPort) {
    constexpr std::string_view good[] = {
        "a",     "api.example.com",     "api.example.com:8443", "127.0.0.1:1",
        "[::1]", "[2001:db8::1]:65535", "under_score.local",    "EXAMPLE.com."};
    for (const auto text : good) EXPECT_TRUE(is_authority(text)) << text;
    constexpr std::string_view bad[] = {
        "",     ":80", "a:",   "a:b",  "a:65536", "a:123456",  "a:80:80", "user@host", "a/b",
        "a b",  "a,b", "a%41", "[::1", "[]",      "[g::1]",    "[::1]x",  "[::1]:",    "::1",
        "a\\b", "a?b", "a#b",  "a;b",  "a\tb",    "h\xc3\xa9", "a:+1",    "[:]"};
    for (const auto text : bad) EXPECT_FALSE(is_authority(text)) << text;
    EXPECT_TRUE(is_authority(std::string(255, 'a')));
    EXPECT_FALSE(is_authority(std::string(256, 'a')));
}

TEST(Characters, ListsGiveTheirElementsTrimmed) {
    std::string_view list = " , a,b\t ,,  c d ,";
    EXPECT_EQ(next_element(list), "a");
    EXPECT_EQ(next_element(list), "b");
    EXPECT_EQ(next_element(list), "c d");
    EXPECT_EQ(next_element(list), "");
    EXPECT_EQ(next_element(list), "");
}

}  // namespace
}  // namespace gh::http
