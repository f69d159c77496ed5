#include "codec/jwk.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gh::codec {
namespace {

Result<Jwk> read(std::string_view text) { return read_jwk(json::parse(text).value()); }

TEST(Jwk, ReadsEachKindOfKey) {
    const auto rsa =
        read(R"({"kty":"RSA","n":"AQID","e":"AQAB","kid":"r","alg":"RS256","use":"sig"})").value();
    EXPECT_EQ(rsa.type, Jwk::Type::rsa);
    EXPECT_EQ(rsa.id, "r");
    EXPECT_EQ(rsa.algorithm, JoseAlgorithm::rs256);
    EXPECT_EQ(rsa.modulus, "\1\2\3");
    EXPECT_EQ(rsa.exponent, std::string("\1\0\1", 3));
    const auto ec = read(R"({"kty":"EC","crv":"P-256","x":"AQ","y":"Ag","d":"Aw"})").value();
    EXPECT_EQ(ec.curve, "P-256");
    EXPECT_EQ(ec.x, "\1");
    EXPECT_EQ(ec.y, "\2");
    EXPECT_EQ(ec.algorithm, std::nullopt);
    EXPECT_EQ(read(R"({"kty":"OKP","crv":"Ed25519","x":"AQ"})").value().type, Jwk::Type::okp);
    EXPECT_EQ(read(R"({"kty":"oct","k":"AQ","key_ops":["sign","verify"]})").value().secret, "\1");
}

TEST(Jwk, SaysWhyAKeyIsNotForUs) {
    struct Case {
        std::string_view text, reason;
    };
    constexpr Case cases[] = {
        {"[]", "jwk.malformed"},
        {"{}", "jwk.malformed"},
        {R"({"kty":"rsa","n":"AQ","e":"AQAB"})", "jwk.type"},
        {R"({"kty":"RSA","e":"AQAB"})", "jwk.malformed"},
        {R"({"kty":"RSA","n":"AQ==","e":"AQAB"})", "jwk.malformed"},
        {R"({"kty":"RSA","n":1,"e":"AQAB"})", "jwk.malformed"},
        {R"({"kty":"RSA","n":"AQ","e":"AQAB","use":"enc"})", "jwk.use"},
        {R"({"kty":"RSA","n":"AQ","e":"AQAB","key_ops":["encrypt"]})", "jwk.use"},
        {R"({"kty":"RSA","n":"AQ","e":"AQAB","key_ops":"verify"})", "jwk.use"},
        {R"({"kty":"RSA","n":"AQ","e":"AQAB","alg":"RSA-OAEP"})", "jwk.algorithm"},
        {R"({"kty":"RSA","n":"AQ","e":"AQAB","kid":7})", "jwk.malformed"},
        {R"({"kty":"EC","crv":"P-256","x":"AQ"})", "jwk.malformed"},
        {R"({"kty":"EC","x":"AQ","y":"AQ"})", "jwk.malformed"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto key = read(c.text);
        EXPECT_EQ(key ? "" : key.error().reason, c.reason);
    }
}

TEST(JwkSet, PassesOverWhatIsNotForUs) {
    const auto set = parse_jwk_set(R"({"keys":[
        {"kty":"RSA","n":"AQ","e":"AQAB","kid":"a"},
        {"kty":"RSA","n":"AQ","e":"AQAB","kid":"a","use":"enc"},
        {"kty":"future"}, 7,
        {"kty":"OKP","crv":"Ed25519","x":"AQ","kid":"b"}]})")
                         .value();
    EXPECT_EQ(set.keys.size(), 2U);
    EXPECT_EQ(set.passed_over, 3U);
    EXPECT_EQ(parse_jwk_set(R"({"keys":[]})").value().keys.size(), 0U);
}

TEST(JwkSet, RefusesSetsThatCannotBeMeant) {
    struct Case {
        std::string_view text, reason;
    };
    constexpr Case cases[] = {
        {"", "jwks.malformed"},
        {"[]", "jwks.malformed"},
        {"{}", "jwks.malformed"},
        {R"({"keys":{}})", "jwks.malformed"},
        {R"({"keys":[],"keys":[]})", "jwks.malformed"},
        {R"({"keys":[{"kty":"oct","k":"AQ","kid":"a"},{"kty":"oct","k":"Ag","kid":"a"}]})",
         "jwks.duplicate_id"},
        {R"({"keys":[{"kty":"oct","k":"AQ"},{"kty":"OKP","crv":"Ed25519","x":"AQ"}]})",
         "jwks.mixed"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.text);
        const auto set = parse_jwk_set(c.text);
        EXPECT_EQ(set ? "" : set.error().reason, c.reason);
    }
    std::string many = R"({"keys":[7)";
    for (std::size_t i = 1; i < jwk_set_keys_max; ++i) many += ",7";
    EXPECT_TRUE(parse_jwk_set(many + "]}"));
    EXPECT_EQ(parse_jwk_set(many + ",7]}").error().reason, "jwks.too_large");
    EXPECT_EQ(parse_jwk_set(std::string(jwk_set_bytes_max + 1, ' ')).error().reason,
              "jwks.too_large");
}

}  // namespace
}  // namespace gh::codec
