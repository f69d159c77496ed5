#include "codec/form.hpp"

#include <gtest/gtest.h>

namespace gh::codec {
namespace {

/// "name=value" of every pair, one a line.
std::string lines(const Result<Form>& form) {
    if (!form) return std::string(form.error().reason);
    std::string text;
    for (const auto& [name, value] : form->pairs()) text += name + "=" + value + "\n";
    return text;
}

TEST(Form, IsDecodedOnceInOrder) {
    struct Case {
        std::string_view text, read;
    };
    constexpr Case cases[] = {
        {"", ""},
        {"a=1&b=2", "a=1\nb=2\n"},
        {"a=1&a=2", "a=1\na=2\n"},
        {"a=b=c", "a=b=c\n"},
        {"a", "a=\n"},
        {"=v", "=v\n"},
        {"&&a=1&", "a=1\n"},
        {"a+b=%2B+%2b", "a b=+ +\n"},
        {"u=%C3%A4", "u=\u00e4\n"},
        {"a=%2541", "a=%41\n"},
        {"a=;b", "a=;b\n"},
        {"a=%", "percent.bad_escape"},
        {"a=%4", "percent.bad_escape"},
        {"a=%4g", "percent.bad_escape"},
        {"%=1", "percent.bad_escape"},
        {"a=\xc3\xa4", "form.characters"},
        {"a=b c", "form.characters"},
        {"a=b\n", "form.characters"},
        {"a=%FF", "form.not_utf8"},
        {"%C0%80=1", "form.not_utf8"},
    };
    for (const auto& c : cases) EXPECT_EQ(lines(parse_form(c.text)), c.read) << c.text;
}

TEST(Form, HasBounds) {
    EXPECT_EQ(lines(parse_form("a=1&b=2", {.pairs_max = 2})), "a=1\nb=2\n");
    EXPECT_EQ(lines(parse_form("a=1&b=2&c", {.pairs_max = 2})), "form.too_many");
    EXPECT_EQ(lines(parse_form("a=1", {.bytes_max = 3})), "a=1\n");
    EXPECT_EQ(lines(parse_form("a=12", {.bytes_max = 3})), "form.too_large");
}

TEST(Form, ReportsANameThatIsThereTwiceHoweverItIsWritten) {
    EXPECT_EQ(parse_form("a=1&b=2")->duplicate(), nullptr);
    const auto form = parse_form("b=1&a=2&%61=2");
    ASSERT_NE(form->duplicate(), nullptr);
    EXPECT_EQ(*form->duplicate(), "a");
    EXPECT_EQ(*form->find("a"), "2");
    EXPECT_EQ(form->find("c"), nullptr);
}

}  // namespace
}  // namespace gh::codec
