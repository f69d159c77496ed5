#include "codec/target.hpp"

#include <gtest/gtest.h>

namespace gh::codec {
namespace {

TEST(Target, SplitsAtTheFirstQuestionMark) {
    const auto plain = split_target("/a/b").value();
    EXPECT_EQ(plain.path, "/a/b");
    EXPECT_FALSE(plain.has_query);
    const auto with = split_target("/a?b=/?c%zz&[d]").value();
    EXPECT_EQ(with.path, "/a");
    EXPECT_EQ(with.query, "b=/?c%zz&[d]");
    const auto empty = split_target("/a?").value();
    EXPECT_TRUE(empty.has_query);
    EXPECT_EQ(empty.query, "");
}

TEST(Target, RefusesWhatMustNotBeSentOn) {
    struct Case {
        std::string_view target, reason;
    };
    constexpr Case cases[] = {
        {"", "target.malformed"},          {"a", "target.malformed"},
        {"?a", "target.malformed"},        {"/a#b", "target.fragment"},
        {"/a?b#c", "target.fragment"},     {"/a?b c", "target.characters"},
        {"/a?b\r\n", "target.characters"}, {"/a?\xc3\xa9", "target.characters"},
        {"/a?\x7f", "target.characters"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.target);
        const auto parts = split_target(c.target);
        EXPECT_EQ(parts ? "" : parts.error().reason, c.reason);
    }
}

}  // namespace
}  // namespace gh::codec
