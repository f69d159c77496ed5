#include "vault/path_rules.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

using enum Capability;

PathRules rules_of(std::initializer_list<std::string_view> policies) {
    PathRules rules;
    for (const auto policy : policies) {
        const auto parsed = parse_policy(policy);
        EXPECT_TRUE(parsed) << policy;
        if (parsed) rules.add(*parsed);
    }
    return rules;
}

TEST(PathRules, AllowNothingThatNoRuleIsFor) {
    EXPECT_TRUE(PathRules().at("secret/data/a", false).empty());
    const auto rules = rules_of({R"(path "secret/data/a" { capabilities = ["read"] })"});
    EXPECT_EQ(rules.at("secret/data/a", false), Capabilities{read});
    for (const auto* path : {"", "secret/data/", "secret/data/ab", "secret/data/a/",
                             "secret/data/a/b", "secret/Data/a", "/secret/data/a"})
        EXPECT_TRUE(rules.at(path, false).empty()) << path;
}

TEST(PathRules, MatchAsTheirPathsSay) {
    struct Case {
        std::string_view rule, path;
        bool matches;
    };
    const Case cases[] = {
        {"a/*", "a/", true},
        {"a/*", "a/b/c", true},
        {"a/*", "a", false},
        {"a*", "ab/c", true},
        {"*", "", true},
        {"*", "a/b", true},
        {"a/+", "a/b", true},
        {"a/+", "a/b/c", false},
        {"a/+", "a/", true},
        {"a/+", "a", false},
        {"+", "a", true},
        {"+", "a/b", false},
        {"+/b", "a/b", true},
        {"+/b", "a/c", false},
        {"a/+/c", "a/b/c", true},
        {"a/+/c", "a/b/c/d", false},
        {"a/+/c*", "a/b/cd/e", true},
        {"a/+/c*", "a/b/d", false},
        {"a/+/*", "a/b/c/d", true},
        {"a/+/*", "a/b", false},
        {"a/b+", "a/bc", false},
        {"a/+b", "a/xb", false},
        {"a/+b", "a/+b", true},
        {"a*b", "a*b", true},
        {"a*b", "axb", false},
    };
    for (const auto& c : cases) {
        const auto rules =
            rules_of({"path \"" + std::string(c.rule) + "\" { capabilities = [\"read\"] }"});
        EXPECT_EQ(!rules.at(c.path, false).empty(), c.matches) << c.rule << " " << c.path;
    }
}

// Of each pair the second rule is the one that counts.
TEST(PathRules, LetTheMostSpecificPathWin) {
    struct Case {
        std::string_view loser, winner, path;
    };
    const Case cases[] = {
        {"a/*", "a/b", "a/b"},
        {"a/+", "a/b", "a/b"},
        {"a/*", "a/b*", "a/bc"},
        {"a/+", "a/b*", "a/bc"},
        {"a/*", "a/+", "a/b"},
        {"+/*", "*", "foo/bar/bar/baz"},
        {"+/*", "foo/+/*", "foo/bar/bar/baz"},
        {"foo/+/+/*", "foo/+/bar/baz", "foo/bar/bar/baz"},
        {"foo/+/+/baz", "foo/+/bar/baz", "foo/bar/bar/baz"},
        {"foo/+/(ar/baz", "foo/(ar/+/baz", "foo/(ar/(ar/baz"},
        {"foo/bar/+/baz*", "foo/bar/+/baz", "foo/bar/bar/baz"},
        {"foo/bar/+/b*", "foo/bar/+/ba*", "foo/bar/bar/baz"},
    };
    for (const auto& c : cases) {
        const auto rule = [](std::string_view path, std::string_view capability) {
            return "path \"" + std::string(path) + "\" { capabilities = [\"" +
                   std::string(capability) + "\"] }\n";
        };
        const auto one = rule(c.loser, "read"), other = rule(c.winner, "update");
        EXPECT_EQ(rules_of({one + other}).at(c.path, false), Capabilities{update}) << c.winner;
        EXPECT_EQ(rules_of({other, one}).at(c.path, false), Capabilities{update}) << c.winner;
        const auto denied = rules_of({rule(c.loser, "deny"), other});
        EXPECT_EQ(denied.at(c.path, false), Capabilities{update})
            << "a wider deny, too: " << c.winner;
    }
}

TEST(PathRules, AddUpForTheSamePathAndDenyWins) {
    const auto read_it = R"(path "a/*" { capabilities = ["read"] })";
    const auto update_it = R"(path "a/*" { capabilities = ["update"] })";
    const auto deny_it = R"(path "a/*" { capabilities = ["deny"] })";
    EXPECT_EQ(rules_of({read_it, update_it}).at("a/b", false), (Capabilities{read, update}));
    EXPECT_EQ(rules_of({read_it, deny_it, update_it}).at("a/b", false), Capabilities{deny});
    EXPECT_EQ(rules_of({deny_it, read_it}).at("a/b", false), Capabilities{deny});
}

TEST(PathRules, MeanAFolderWithItsSlashAndWithout) {
    const auto bare = rules_of({R"(path "secret/metadata/team" { capabilities = ["list"] })"});
    EXPECT_EQ(bare.at("secret/metadata/team/", true), Capabilities{list});
    EXPECT_TRUE(bare.at("secret/metadata/team/", false).empty());
    EXPECT_TRUE(bare.at("secret/metadata/team/x/", true).empty());
    const auto wild = rules_of({R"(path "secret/metadata/+" { capabilities = ["list"] })"});
    EXPECT_EQ(wild.at("secret/metadata/team/", true), Capabilities{list});
    const auto both = rules_of({R"(path "secret/metadata/team" { capabilities = ["read"] }
                                   path "secret/metadata/team/" { capabilities = ["list"] })"});
    EXPECT_EQ(both.at("secret/metadata/team/", true), Capabilities{list});
    EXPECT_EQ(both.at("secret/metadata/team", false), Capabilities{read});
    // Wildcards are asked for it without its slash first, as OpenBao has it.
    const auto denied = rules_of({R"(path "secret/metadata/*" { capabilities = ["list"] }
                                     path "secret/metadata/+" { capabilities = ["deny"] })"});
    EXPECT_EQ(denied.at("secret/metadata/team/", true), Capabilities{deny});
    const auto deeper = rules_of({R"(path "secret/metadata/*" { capabilities = ["deny"] }
                                     path "secret/metadata/team/*" { capabilities = ["list"] })"});
    EXPECT_EQ(deeper.at("secret/metadata/team/", true), Capabilities{deny});
}

}  // namespace
}  // namespace gh::vault
