#include "vault/policy.hpp"

#include <gtest/gtest.h>

namespace gh::vault {
namespace {

using enum Capability;

std::string refusal(std::string_view document) {
    const auto policy = parse_policy(document);
    if (policy) return {};
    EXPECT_EQ(policy.error().reason, "policy.syntax");
    return policy.error().detail;
}

TEST(Capabilities, AreAddedUpAndDenyTakesAllAway) {
    EXPECT_EQ((Capabilities{read} | Capabilities{list}), (Capabilities{list, read}));
    EXPECT_EQ((Capabilities{read, deny, update}), Capabilities{deny});
    EXPECT_EQ((Capabilities{deny} | Capabilities{read}), Capabilities{deny});
    EXPECT_EQ((Capabilities{read, list} & Capabilities{read, update}), Capabilities{read});
    for (const auto each : {create, read, update, patch, remove, list, sudo, deny})
        EXPECT_EQ(capability_of(name_of(each)), each);
    EXPECT_EQ(capability_of("remove"), std::nullopt);
    EXPECT_EQ(capability_of(""), std::nullopt);
}

TEST(PolicyHcl, IsReadAsPeopleWriteIt) {
    const auto policy = parse_policy(R"(
# Comments of three kinds
name = "team"
path "secret/data/team/*" {
  capabilities = ["create", "update", "read"]   // here
}
/* and
   here */
path "/secret/+/team" { capabilities = [ "list", ] comment = "why" }
path "sys/\"x\\" { policy = "deny" }
path "old" { policy = "write" }
"path" "none" { capabilities = [] })");
    ASSERT_TRUE(policy) << policy.error().detail;
    ASSERT_EQ(policy->size(), 5U);
    EXPECT_EQ((*policy)[0].path, "secret/data/team/*");
    EXPECT_EQ((*policy)[0].capabilities, (Capabilities{create, update, read}));
    EXPECT_EQ((*policy)[1].path, "secret/+/team");
    EXPECT_EQ((*policy)[1].capabilities, Capabilities{list});
    EXPECT_EQ((*policy)[2].path, "sys/\"x\\");
    EXPECT_EQ((*policy)[2].capabilities, Capabilities{deny});
    EXPECT_EQ((*policy)[3].capabilities, (Capabilities{create, read, update, remove, list}));
    EXPECT_TRUE((*policy)[4].capabilities.empty());
    for (const auto* nothing : {"", " \n", "# only this", "name = \"x\""})
        EXPECT_TRUE(parse_policy(nothing) && parse_policy(nothing)->empty()) << nothing;
}

TEST(PolicyJson, SaysTheSame) {
    for (const auto* document :
         {R"({"path": {"secret/*": {"capabilities": ["read", "list"]}, "b": {"policy": "sudo"}}})",
          R"({"name": "x", "path": [{"secret/*": {"capabilities": ["read", "list"]}},
              {"/b": {"policy": "sudo", "comment": "c"}}]})"}) {
        const auto policy = parse_policy(document);
        ASSERT_TRUE(policy) << policy.error().detail;
        ASSERT_EQ(policy->size(), 2U);
        EXPECT_EQ((*policy)[0].path, "secret/*");
        EXPECT_EQ((*policy)[0].capabilities, (Capabilities{read, list}));
        EXPECT_EQ((*policy)[1].path, "b");
        EXPECT_TRUE((*policy)[1].capabilities.has(sudo));
    }
    EXPECT_TRUE(parse_policy("{}")->empty());
}

TEST(Policy, IsRefusedWhereItWouldAllowMoreThanItSays) {
    for (const std::string_view setting :
         {"allowed_parameters = [\"a\"]", "denied_parameters = [\"a\"]",
          "required_parameters = [\"a\"]", "min_wrapping_ttl = \"1s\"", "expiration = \"2030\"",
          "mfa_methods = [\"a\"]", "pagination_limit = \"1\"", "other = \"x\""}) {
        const auto told =
            refusal("path \"a\" { capabilities = [\"read\"] " + std::string(setting) + " }");
        EXPECT_TRUE(told.contains("not supported")) << told;
    }
    EXPECT_NE(refusal(R"({"path": {"a": {"capabilities": ["read"], "expiration": "2030"}}})"), "");
    EXPECT_NE(refusal(R"(path "a/{{identity.entity.id}}" { capabilities = ["read"] })"), "");
    EXPECT_NE(refusal(R"(path "a/${x}" { capabilities = ["read"] })"), "");
}

TEST(Policy, IsRefusedWithTheLine) {
    struct Case {
        std::string_view document, told;
    };
    const Case cases[] = {
        {"path", "line 1"},
        {"\n\npath x {}", "line 3"},
        {"path \"a\" {\n capabilities = [\"read\"\n", "line 3"},
        {"path \"a\n\" {}", "line 1: a text does not end"},
        {"path \"a\\n\" {}", "only"},
        {"/* no end", "comment"},
        {"path \"a\" { capabilities = [\"read\" \"list\"] }", "']' is expected"},
        {"path \"a\" { capabilities = [\"read\"] capabilities = [\"list\"] }", "twice"},
        {"path \"a\" { capabilities = [\"reed\"] }", "none of"},
        {"path \"a\" { capabilities = \"read\" }", "none of"},
        {"path \"a\" { policy = \"root\" }", "none of"},
        {"path \"a\" { policy = [\"read\"] }", "none of"},
        {"path \"a+*\" { }", "+*"},
        {"path \"a\" \"b\" { }", "'{' is expected"},
        {"limit = \"x\"", "expected"},
        {"\xff", "UTF-8"},
        {"path \"a\x01\" { }", "control"},
        {R"({"path": {}, "rules": {}})", "nothing but path"},
        {R"({"path": "a"})", "no object"},
        {R"({"path": ["a"]})", "no object"},
        {R"({"path": {"a": []}})", "no object"},
        {R"({"path": {"a": {"capabilities": [1]}}})", "neither"},
        {R"({"path": {"a": {"capabilities": {}}}})", "neither"},
        {R"({"path": {"a": {}, "a": {}}})", "JSON"},
        {"{", "JSON"},
    };
    for (const auto& c : cases) {
        const auto told = refusal(c.document);
        EXPECT_TRUE(told.contains(c.told)) << c.document << ": " << told;
    }
}

TEST(Policy, HasBounds) {
    std::string many;
    for (std::size_t i = 0; i < policy_rules_max; ++i) many += "path \"a\" {}\n";
    EXPECT_TRUE(parse_policy(many));
    EXPECT_NE(refusal(many + "path \"a\" {}"), "");
    EXPECT_EQ(refusal("path \"" + std::string(policy_path_bytes_max, 'a') + "\" {}"), "");
    EXPECT_NE(refusal("path \"" + std::string(policy_path_bytes_max + 1, 'a') + "\" {}"), "");
    EXPECT_EQ(refusal(std::string(policy_bytes_max, ' ')), "");
    EXPECT_NE(refusal(std::string(policy_bytes_max + 1, ' ')), "");
}

TEST(PolicyName, HasOneSpelling) {
    for (const auto* good : {"a", "team-1.read_only", "default"})
        EXPECT_TRUE(check_policy_name(good));
    EXPECT_TRUE(check_policy_name(std::string(128, 'a')));
    for (const std::string& bad :
         {std::string(), std::string("root"), std::string("A"), std::string("a b"),
          std::string("a/b"), std::string("\xc3\xa4"), std::string(129, 'a')})
        EXPECT_FALSE(check_policy_name(bad)) << bad;
}

}  // namespace
}  // namespace gh::vault
