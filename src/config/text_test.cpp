#include "config/text.hpp"

#include <gtest/gtest.h>

#include "config/problem.hpp"
#include "config/secret.hpp"
#include "config/suggest.hpp"

namespace gh::config {
namespace {

TEST(Text, FindsTheFirstByteThatIsNoText) {
    struct Case {
        std::string text;
        int at;  // -1: all is well
    };
    const Case cases[] = {
        {"", -1},
        {"plain\ttext\r\n", -1},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", -1},
        {"ab\x01", 2},
        {std::string("a\0", 2), 1},
        {"\x7f", 0},
        {"a\x80", 1},             // continues nothing
        {"\xc0\xaf", 0},          // a slash, too long
        {"\xe0\x80\xaf", 0},      // the same, longer
        {"\xed\xa0\x80", 0},      // half a surrogate pair
        {"\xf0\x80\x80\x80", 0},  // too long
        {"\xf4\x90\x80\x80", 0},  // beyond U+10FFFF
        {"ok\xe2\x82", 2},        // cut off
        {"\xff", 0},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(json_string(c.text));
        const auto found = find_unreadable(c.text);
        EXPECT_EQ(found ? static_cast<int>(*found) : -1, c.at);
    }
}

TEST(Text, KnowsWhatAYamlReaderWouldNotTakeForText) {
    for (const auto* text :
         {"", "~", "null", "true", "FALSE", "1", "-1", "+1", "007", "0x1F", "0o17", "1.5", ".5",
          "1.", "1e3", "-1.5E+7", ".inf", "-.INF", ".nan"}) {
        EXPECT_TRUE(reads_as_other_than_text(text)) << text;
    }
    for (const auto* text :
         {"no", "yes", "a", "1a", "1.2.3", "0x", "0xg", ".", "-", "1e", "e3", "1:2", "127.0.0.1"}) {
        EXPECT_FALSE(reads_as_other_than_text(text)) << text;
    }
}

TEST(Text, JsonStringsAreEscaped) {
    EXPECT_EQ(json_string("a\"\\\n\x01\x7f\xc3\xa4"), "\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa4\"");
}

TEST(Text, TrimsBlanksOnly) {
    EXPECT_EQ(trim(" \t a b \t"), "a b");
    EXPECT_EQ(trim("   "), "");
    EXPECT_EQ(trim("\na"), "\na");
}

TEST(Quote, HidesPasswordsInUrlsEscapesControlCharactersAndIsShort) {
    EXPECT_EQ(quote("plain"), "\"plain\"");
    EXPECT_EQ(quote("http://user:hunter2@host/"), "\"http://***@host/\"");
    EXPECT_EQ(quote("a\nb\x1b"), "\"a\\x0ab\\x1b\"");
    EXPECT_EQ(quote(std::string(81, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

TEST(Problems, AreOneLineEachAndCountWhatTheyLeaveOut) {
    Problems problems;
    EXPECT_TRUE(problems.empty());
    problems.add({"f.yaml", 3, "a.b", "is wrong"});
    problems.add({"f.yaml", 0, "", "cannot be read"});
    EXPECT_EQ(problems.text(), "f.yaml:3: a.b: is wrong\nf.yaml: cannot be read");
    for (std::size_t i = 2; i < Problems::problems_max + 5; ++i) problems.add({"f", 1, "k", "t"});
    EXPECT_EQ(problems.all().size(), Problems::problems_max);
    EXPECT_TRUE(problems.text().ends_with("\nand 5 more"));
    EXPECT_EQ(problems.error().error().reason, "config.invalid");
}

TEST(Origins, WhatAVariableDecidesNoLongerCameThroughAReference) {
    Origins origins;
    for (const auto* path : {"a", "a.b", "a[0].c", "ab", "b.a"}) origins.note(path, "${env:X}");
    origins.decide("a", "NAME");
    for (const auto* path : {"a", "a.b", "a[0].c"}) {
        EXPECT_EQ(origins.find(path), nullptr) << path;
        EXPECT_EQ(origins.decider(path), "NAME") << path;
    }
    for (const auto* path : {"ab", "b.a"}) {
        EXPECT_NE(origins.find(path), nullptr) << path;
        EXPECT_EQ(origins.decider(path), "") << path;
    }
}

TEST(Suggest, FindsTheNameThatWasMeant) {
    constexpr std::string_view known[] = {"bind", "tls", "serve", "redirect_to", "name"};
    struct Case {
        std::string_view written, wanted;
    };
    constexpr Case cases[] = {
        {"bnid", "bind"},        {"binds", "bind"}, {"tsl", "tls"}, {"redirect-to", "redirect_to"},
        {"server", "serve"},     {"zzz", ""},       {"", ""},       {"x", ""},
        {"nothing_like_it", ""},
    };
    for (const auto& c : cases) EXPECT_EQ(nearest(c.written, known), c.wanted) << c.written;
    EXPECT_EQ(nearest(std::string(100, 'a'), known), "");
}

TEST(Secret, AMovedFromSecretIsEmptyAndACopyIsNot) {
    Secret first("hunter2");
    Secret second = first;
    EXPECT_EQ(first.view(), "hunter2");
    Secret third = std::move(second);
    EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_EQ(third, first);
    first = std::move(third);
    EXPECT_EQ(first.view(), "hunter2");
    EXPECT_TRUE(third.empty());  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace gh::config
