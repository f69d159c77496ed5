#include "vault/backend/azure_keys.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"
#include "codec/json.hpp"

namespace gh::vault::azure {
namespace {

std::string text(const crypto::Secret& secret) {
    return std::string(crypto::text_of(secret.bytes()));
}

TEST(AzureKeyIds, SayOnWhichHostAKeyIs) {
    const auto id = parse_key_id("https://Team.vault.azure.net/keys/gate-1/0123abcd").value();
    EXPECT_EQ(id.authority, "team.vault.azure.net");
    EXPECT_EQ(id.name, "gate-1");
    EXPECT_EQ(id.version, "0123abcd");
    EXPECT_EQ(parse_key_id("https://v:8443/keys/k/1").value().authority, "v:8443");
    EXPECT_EQ(parse_key_id("https://v:443/keys/k/1").value().authority, "v");
    EXPECT_EQ(authority_of("https://V:443").value(), "v");
    EXPECT_EQ(authority_of("https://v:8443/").value(), "v:8443");
    for (const auto* bad :
         {"", "keys/k/1", "http://example.com/keys/k/1", "https://v/keys/k", "https://v/keys/k/",
          "https://v/keys//1", "https://v/secrets/k/1", "https://v/keys/k/1/2",
          "https://v/keys/k/1?x", "https://v/keys/k/..", "https://v/keys/a%2fb/1",
          "https://a@v/keys/k/1", "https://v/keys/k/1#f"})
        EXPECT_EQ(parse_key_id(bad).error().reason, "backend.malformed") << bad;
    const auto longest = "https://v/keys/" + std::string(127, 'k') + "/" + std::string(64, '1');
    EXPECT_TRUE(parse_key_id(longest));
    EXPECT_FALSE(parse_key_id(longest + "1"));
    EXPECT_FALSE(parse_key_id("https://" + std::string(key_id_bytes_max, 'v') + "/keys/k/1"));
}

TEST(AzureKeys, AreOfTheKindThatWraps) {
    EXPECT_EQ(
        parse_key(R"({"key":{"kid":"https://v/keys/k/1","kty":"RSA"},"attributes":{}})").value(),
        "https://v/keys/k/1");
    EXPECT_TRUE(parse_key(R"({"key":{"kid":"https://v/keys/k/1","kty":"RSA-HSM"}})"));
    EXPECT_EQ(parse_key(R"({"key":{"kid":"https://v/keys/k/1","kty":"EC"}})").error().reason,
              "seal.azure_key_type");
    for (const auto* bad : {"", "[]", "{}", R"({"key":[]})", R"({"key":{"kty":"RSA"}})",
                            R"({"key":{"kid":"https://v/keys/k","kty":"RSA"}})"})
        EXPECT_EQ(parse_key(bad).error().reason, "backend.malformed") << bad;
}

TEST(AzureKeyOperations, CarryOctetsBothWays) {
    const std::string octets("\x00\xff\xfb?wrapped", 11);
    const auto body = codec::json::parse(text(key_operation(crypto::bytes_of(octets)))).value();
    EXPECT_EQ(*body.find_string("alg"), "RSA-OAEP-256");
    EXPECT_EQ(codec::decode_base64url(*body.find_string("value")).value(), octets);
    const auto result =
        parse_key_result(R"({"kid":"https://v/keys/k/1","value":"AP_7P3c"})").value();
    EXPECT_EQ(result.key_id, "https://v/keys/k/1");
    EXPECT_EQ(text(result.value), std::string("\x00\xff\xfb?w", 5));
    const auto too_long = R"({"kid":"https://v/keys/k/1","value":")" +
                          codec::encode_base64url(std::string(wrapped_bytes_max + 1, 'x')) + "\"}";
    for (const auto& bad : {std::string("{}"), std::string(R"({"kid":"https://v/keys/k/1"})"),
                            std::string(R"({"kid":"https://v/keys/k/1","value":""})"),
                            std::string(R"({"kid":"https://v/keys/k/1","value":"a+b="})"),
                            std::string(R"({"kid":"https://v/keys/k","value":"AAAA"})"),
                            std::string(R"({"value":"AAAA"})"), too_long})
        EXPECT_EQ(parse_key_result(bad).error().reason, "backend.malformed") << bad;
}

}  // namespace
}  // namespace gh::vault::azure
