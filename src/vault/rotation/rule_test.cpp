#include "vault/rotation/rule.hpp"

#include <gtest/gtest.h>

namespace gh::vault::rotation {
namespace {

std::string detail(std::string_view text) {
    const auto rule = parse_rule(text);
    return rule ? "" : rule.error().detail;
}

TEST(RotationRule, SaysWhatItDoesNotHear) {
    const auto rule = parse_rule(R"({"generator": {"kind": "random"}})").value();
    EXPECT_EQ(rule, Rule{});
    EXPECT_EQ(rule.generator.length, 32U);
    EXPECT_EQ(rule.generator.alphabet.size(), 62U);
    EXPECT_EQ(rule.generator.field, "value");
}

TEST(RotationRule, IsReadAsItWasWritten) {
    Rule rule;
    rule.generator.kind = Kind::postgresql;
    rule.generator.connection = "vault:team/admin#address";
    rule.generator.roles = {"app_a", "app_b"};
    rule.generator.database = "app";
    rule.every = std::chrono::days(30);
    rule.overlap = std::chrono::hours(24);
    rule.hold_max = std::chrono::days(7);
    rule.after_hold = AfterHold::roll_back;
    rule.consumers = {"api_key:billing", "user:ada"};
    EXPECT_EQ(parse_rule(text_of(rule)).value(), rule);
    rule.generator = {.kind = Kind::key_pair, .key_type = crypto::KeyPairKind::rsa_3072};
    EXPECT_EQ(parse_rule(text_of(rule)).value(), rule);
}

TEST(RotationRule, RefusesContradictions) {
    const auto random = [](const std::string& rest) {
        return detail(R"({"generator": {"kind": "random"})" + rest + "}");
    };
    EXPECT_TRUE(
        random(R"(, "every": "1h", "overlap": "30m", "hold_max": "30m")").contains("/every"));
    EXPECT_EQ(random(R"(, "every": "61m", "overlap": "30m", "hold_max": "30m")"), "");
    EXPECT_EQ(random(R"(, "overlap": "3650d")"), "") << "asked for by somebody, at any time";
    EXPECT_TRUE(random(R"(, "hold_max": "1m")").contains("nothing to hold"));
    EXPECT_TRUE(random(R"(, "every": "1500ms")").contains("/every"));
    EXPECT_TRUE(random(R"(, "every": "3651d")").contains("/every"));
    EXPECT_TRUE(random(R"(, "often": "1h")").contains("/often"));
    EXPECT_TRUE(detail(R"({"generator": {"kind": "key-pair", "public_field": "private_key"}})")
                    .contains("/generator/public_field"));
}

TEST(RotationRule, RefusesWhatCanBeGuessed) {
    const auto of = [](const std::string& rest) {
        return detail(R"({"generator": {"kind": "random", )" + rest + "}}");
    };
    EXPECT_TRUE(of(R"("length": 15)").contains("/generator/length"));
    EXPECT_TRUE(of(R"("length": 26, "alphabet": "0123456789")").contains("80 bits"));
    EXPECT_EQ(of(R"("length": 27, "alphabet": "0123456789")"), "");
    EXPECT_TRUE(of(R"("alphabet": "a")").contains("/generator/alphabet"));
    EXPECT_TRUE(of(R"("alphabet": "abca")").contains("/generator/alphabet"));
    EXPECT_TRUE(of(R"("alphabet": "a b")").contains("/generator/alphabet"));
    EXPECT_TRUE(of(R"("alphabet": "aä")").contains("/generator/alphabet"));
}

TEST(RotationRule, WantsToKnowTheServer) {
    const auto of = [](const std::string& rest, const std::string& life = "") {
        return detail(R"({"generator": {"kind": "postgresql", )" + rest + "}" + life + "}");
    };
    constexpr auto two = R"("connection": "vault:a", "roles": ["x", "y"])";
    EXPECT_EQ(of(two, R"(, "overlap": "1h")"), "");
    EXPECT_TRUE(of(R"("connection": "vault:a", "roles": ["x"])", R"(, "overlap": "1h")")
                    .contains("one password at a time"));
    EXPECT_TRUE(of(R"("connection": "vault:a", "roles": ["x", "x"])").contains("/generator/roles"));
    EXPECT_TRUE(of(R"("connection": "vault:a", "roles": ["x", "y", "z"])").contains("/roles"));
    EXPECT_TRUE(of(R"("connection": "vault:a")").contains("/generator/roles"));
    EXPECT_TRUE(of(R"("connection": "a", "roles": ["x"])").contains("/generator/connection"));
    EXPECT_TRUE(of(R"("connection": "vault:a", "roles": [")" + std::string(64, 'x') + R"("])")
                    .contains("/generator/roles/0"));
    // 21 characters of three bytes are 63 bytes, one more is too many.
    std::string name;
    for (int i = 0; i < 21; ++i) name += "\xe2\x82\xac";
    EXPECT_EQ(of(R"("connection": "vault:a", "roles": [")" + name + R"("])"), "");
    EXPECT_TRUE(
        of(R"("connection": "vault:a", "roles": [")" + name + R"(x"])").contains("63 bytes"));
}

TEST(RotationRule, NamesItsConnection) {
    const auto plain = parse_connection("vault:team/admin").value();
    EXPECT_EQ(plain.path, "team/admin");
    EXPECT_EQ(plain.field, "url");
    const auto field = parse_connection("vault:a#b#c").value();
    EXPECT_EQ(field.path, "a#b");
    EXPECT_EQ(field.field, "c");
    for (const auto* wrong :
         {"", "vault:", "vault:#url", "vault:a#", "vault:a//b", "vault:../a", "a"})
        EXPECT_FALSE(parse_connection(wrong)) << wrong;
}

}  // namespace
}  // namespace gh::vault::rotation
