#include "vault/rotation/generate.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "codec/json.hpp"
#include "crypto/private_key.hpp"

namespace gh::vault::rotation {
namespace {

std::string field(const Candidate& candidate, std::string_view name) {
    const auto text = text_field(crypto::text_of(candidate.fields.bytes()), name);
    return text ? std::string(crypto::text_of(text->bytes())) : describe(text.error());
}

TEST(Generate, MakesTextsInWhichEachCharacterIsAsLikely) {
    constexpr std::string_view alphabet = "abcdefghij";  // 256 is no multiple of ten
    constexpr std::size_t length = 100'000;
    const auto text = random_text(alphabet, length);
    std::array<int, 10> counts{};
    for (const auto byte : text.bytes()) ++counts.at(static_cast<std::size_t>(byte - 'a'));
    double distance = 0;
    for (const auto count : counts) {
        const double off = count - length / 10.0;
        distance += off * off / (length / 10.0);
    }
    EXPECT_LT(distance, 40.0) << "chi square with nine degrees of freedom: one in 100,000";
}

TEST(Generate, MakesAnotherTextEachTime) {
    Generator by;
    by.field = "token";
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) seen.insert(field(generate(by, {}), "token"));
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_EQ(seen.begin()->size(), 32U);
}

TEST(Generate, WritesWhatJsonWantsEscaped) {
    Generator by{.alphabet = "\"\\/"};
    by.length = 64;
    const auto made = field(generate(by, {}), "value");
    EXPECT_EQ(made.size(), 64U);
    EXPECT_EQ(made.find_first_not_of("\"\\/"), std::string::npos);
}

TEST(Generate, MakesPairsThatBelongTogether) {
    for (const auto kind : {crypto::KeyPairKind::ed25519, crypto::KeyPairKind::ecdsa_p256,
                            crypto::KeyPairKind::rsa_2048}) {
        const auto made = generate({.kind = Kind::key_pair, .key_type = kind}, {});
        const auto pem = field(made, "private_key");
        EXPECT_TRUE(
            pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));  // secret-scan: allow a label
        const auto key = crypto::PrivateKey::from_pem(pem);
        ASSERT_TRUE(key) << describe(key.error());
        EXPECT_TRUE(field(made, "public_key").starts_with("-----BEGIN PUBLIC KEY-----\n"));
    }
}

TEST(Generate, RolesTakeTurns) {
    Generator by{.kind = Kind::postgresql};
    by.roles = {"a", "b"};
    EXPECT_EQ(next_role(by, ""), "a");
    EXPECT_EQ(next_role(by, R"({"username": "a"})"), "b");
    EXPECT_EQ(next_role(by, R"({"username": "b"})"), "a");
    EXPECT_EQ(next_role(by, R"({"username": "somebody"})"), "a");
    EXPECT_EQ(next_role(by, R"({"username": 7})"), "a");
    const auto made = generate(by, R"({"username": "a"})");
    EXPECT_EQ(made.role, "b");
    EXPECT_EQ(field(made, "username"), "b");
    EXPECT_EQ(field(made, "password").size(), 32U);
    by.roles = {"a"};
    EXPECT_EQ(next_role(by, R"({"username": "a"})"), "a");
}

}  // namespace
}  // namespace gh::vault::rotation
