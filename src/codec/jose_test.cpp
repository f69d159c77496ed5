#include "codec/jose.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/base64.hpp"

namespace gh::codec {
namespace {

std::string token_of(std::string_view header, std::string_view payload = "{}",
                     std::string_view signature = "sig") {
    return encode_base64url(header) + "." + encode_base64url(payload) + "." +
           encode_base64url(signature);
}

TEST(Jws, IsTakenApart) {
    const auto token = token_of(R"({"alg":"ES256","kid":"k1","typ":"at+jwt","x":1})",
                                R"({"sub":"a"})", "signature");
    const auto jws = parse_jws(token).value();
    EXPECT_EQ(jws.header->algorithm, JoseAlgorithm::es256);
    EXPECT_EQ(jws.header->key_id, "k1");
    EXPECT_EQ(jws.header->type, "at+jwt");
    EXPECT_EQ(jws.payload, R"({"sub":"a"})");
    EXPECT_EQ(jws.signature, "signature");
    EXPECT_EQ(jws.signing_input, token.substr(0, token.rfind('.')));
    const auto bare = parse_jws(token_of(R"({"alg":"HS256"})", "", "")).value();
    EXPECT_EQ(bare.header->key_id, std::nullopt);
    EXPECT_EQ(bare.header->type, "");
    EXPECT_EQ(bare.payload, "");
}

TEST(Jws, RefusesHeadersThatCannotBeActedUpon) {
    struct Case {
        std::string_view header, reason;
    };
    constexpr Case cases[] = {
        {R"({"alg":"none"})", "jwt.algorithm"},
        {R"({"alg":"None"})", "jwt.algorithm"},
        {R"({"alg":"hs256"})", "jwt.algorithm"},
        {R"({"alg":""})", "jwt.algorithm"},
        {R"({"alg":["HS256"]})", "jwt.algorithm"},
        {R"({"alg":"RSA-OAEP"})", "jwt.algorithm"},
        {R"({})", "jwt.algorithm"},
        {R"({"alg":"HS256","crit":["exp"]})", "jwt.critical"},
        {R"({"alg":"HS256","crit":[]})", "jwt.critical"},
        {R"({"alg":"HS256","b64":true})", "jwt.critical"},
        {R"({"alg":"HS256","kid":1})", "jwt.malformed"},
        {R"({"alg":"HS256","typ":null})", "jwt.malformed"},
        {R"({"alg":"HS256","alg":"none"})", "jwt.malformed"},
        {R"(["HS256"])", "jwt.malformed"},
        {R"("HS256")", "jwt.malformed"},
        {"", "jwt.malformed"},
        {"{", "jwt.malformed"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.header);
        const auto jws = parse_jws(token_of(c.header));
        EXPECT_EQ(jws ? "" : jws.error().reason, c.reason);
    }
}

TEST(Jws, HasThreePartsOfStrictBase64url) {
    const auto good = token_of(R"({"alg":"HS256"})");
    EXPECT_TRUE(parse_jws(good));
    for (const auto& token : {std::string(), std::string("."), std::string(".."),
                              std::string("..."), good + ".", good + ".x", good + "=", " " + good,
                              good + "\n", good.substr(0, good.rfind('.')), "{" + good}) {
        SCOPED_TRACE(token);
        EXPECT_FALSE(parse_jws(token));
    }
    const auto longest =
        good + std::string(jws_bytes_max - good.size() - (jws_bytes_max - good.size()) % 4, 'A');
    EXPECT_TRUE(parse_jws(longest));
    EXPECT_FALSE(parse_jws(longest + "AAAA"));
}

TEST(JoseAlgorithm, NamesComeBack) {
    for (int i = 0; i <= static_cast<int>(JoseAlgorithm::eddsa); ++i) {
        const auto algorithm = static_cast<JoseAlgorithm>(i);
        EXPECT_EQ(algorithm_of(name_of(algorithm)), algorithm);
    }
    EXPECT_EQ(name_of(JoseAlgorithm::eddsa), "EdDSA");
    EXPECT_TRUE(is_symmetric(JoseAlgorithm::hs512));
    EXPECT_FALSE(is_symmetric(JoseAlgorithm::rs256));
}

}  // namespace
}  // namespace gh::codec
