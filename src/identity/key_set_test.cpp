#include "identity/key_set.hpp"

#include <gtest/gtest.h>

#include <string>

#include "crypto/private_key.hpp"
#include "identity/test_tokens.hpp"

namespace gh::identity {
namespace {

using codec::JoseAlgorithm;

VerificationKey key_of(JoseAlgorithm algorithm, std::optional<std::string> id) {
    if (codec::is_symmetric(algorithm)) {
        return VerificationKey::symmetric(algorithm, crypto::Secret::random(64), std::move(id))
            .value();
    }
    const auto kind =
        algorithm == JoseAlgorithm::eddsa ? crypto::KeyKind::ed25519 : crypto::KeyKind::ec_p256;
    return VerificationKey::asymmetric(algorithm, crypto::PrivateKey::generate(kind).public_key(),
                                       std::move(id))
        .value();
}

codec::JoseHeader header(JoseAlgorithm algorithm, std::optional<std::string> id) {
    return {.algorithm = algorithm, .key_id = std::move(id), .type = {}};
}

TEST(KeySet, FindsTheOneKeyAHeaderMeans) {
    using enum JoseAlgorithm;
    const KeySet one({key_of(es256, "a")});
    const KeySet unnamed({key_of(es256, {})});
    const KeySet two({key_of(es256, "a"), key_of(es256, "b")});
    const KeySet kinds({key_of(es256, "a"), key_of(eddsa, "b")});
    struct Case {
        const KeySet* keys;
        codec::JoseHeader header;
        std::string_view reason;  // empty: found
        std::optional<std::string> id;
    };
    const Case cases[] = {
        {&one, header(es256, "a"), "", "a"},
        {&one, header(es256, {}), "", "a"},
        {&one, header(es256, "b"), "jwt.key", {}},
        {&one, header(eddsa, "a"), "jwt.algorithm", {}},
        {&one, header(eddsa, {}), "jwt.algorithm", {}},
        {&unnamed, header(es256, "anything"), "", {}},
        {&unnamed, header(hs256, {}), "jwt.algorithm", {}},
        {&two, header(es256, "b"), "", "b"},
        {&two, header(es256, {}), "jwt.key_ambiguous", {}},
        {&two, header(es256, "c"), "jwt.key", {}},
        {&kinds, header(eddsa, {}), "", "b"},
        {&kinds, header(eddsa, "a"), "jwt.algorithm", {}},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.header.key_id.value_or("-"));
        const auto found = c.keys->find(c.header);
        EXPECT_EQ(found ? "" : found.error().reason, c.reason);
        if (found) {
            EXPECT_EQ((*found)->id(), c.id);
        }
    }
    EXPECT_EQ(KeySet().find(header(es256, {})).error().reason, "jwt.key");
}

TEST(VerificationKey, HoldsASecretToTheStrengthOfItsHash) {
    const auto reason = [](JoseAlgorithm algorithm, std::size_t bytes) {
        const auto key = VerificationKey::symmetric(algorithm, crypto::Secret::random(bytes));
        return key ? "" : key.error().reason;
    };
    EXPECT_EQ(reason(JoseAlgorithm::hs256, 32), "");
    EXPECT_EQ(reason(JoseAlgorithm::hs256, 31), "key.weak");
    EXPECT_EQ(reason(JoseAlgorithm::hs384, 48), "");
    EXPECT_EQ(reason(JoseAlgorithm::hs384, 47), "key.weak");
    EXPECT_EQ(reason(JoseAlgorithm::hs512, 64), "");
    EXPECT_EQ(reason(JoseAlgorithm::hs512, 63), "key.weak");
    EXPECT_EQ(reason(JoseAlgorithm::rs256, 64), "key.algorithm");
}

TEST(VerificationKey, IsForOneAlgorithm) {
    const auto open = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256).public_key();
    EXPECT_TRUE(VerificationKey::asymmetric(JoseAlgorithm::es256, open));
    for (const auto other :
         {JoseAlgorithm::es384, JoseAlgorithm::rs256, JoseAlgorithm::eddsa, JoseAlgorithm::hs256}) {
        EXPECT_EQ(VerificationKey::asymmetric(other, open).error().reason, "key.algorithm");
    }
}

constexpr std::string_view ed_key =
    R"({"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

TEST(KeySet, PassesOverFetchedKeysThatCannotBeUsed) {
    const auto text = R"({"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","kid":"weak"},
        {"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","kid":"broken"},
        {"kty":"OKP","crv":"Ed448","x":"AAAA","kid":"unknown"},)" +
                      std::string(ed_key) + "]}";
    const auto keys = KeySet::from_jwks(codec::parse_jwk_set(text).value(), {});
    EXPECT_EQ(keys.size(), 1U);
    EXPECT_TRUE(keys.find(header(JoseAlgorithm::eddsa, "e")));
    EXPECT_EQ(KeySet::from_jwks(codec::parse_jwk_set(text).value(), {.only = JoseAlgorithm::rs256})
                  .size(),
              0U);
}

TEST(KeySet, NeverTakesAPublishedSecret) {
    const auto text = R"({"keys":[{"kty":"oct","alg":"HS256","k":")" +
                      codec::encode_base64url(testing::test_secret) + "\"}]}";
    EXPECT_EQ(KeySet::from_jwks(codec::parse_jwk_set(text).value(), {}).size(), 0U);
    EXPECT_EQ(
        KeySet::from_jwks(codec::parse_jwk_set(text).value(), {.symmetric_allowed = true}).size(),
        1U);
}

TEST(VerificationKey, SaysWhatAKeyWithoutAlgorithmIsFor) {
    auto jwk = [](std::string_view text) {
        return codec::read_jwk(codec::json::parse(text).value()).value();
    };
    EXPECT_EQ(VerificationKey::from_jwk(jwk(ed_key)).value().algorithm(), JoseAlgorithm::eddsa);
    EXPECT_EQ(VerificationKey::from_jwk(jwk(ed_key), JoseAlgorithm::es256).error().reason,
              "key.algorithm");
    const auto secret =
        R"({"kty":"oct","k":")" + codec::encode_base64url(testing::test_secret) + "\"}";
    EXPECT_EQ(VerificationKey::from_jwk(jwk(secret)).error().reason, "key.algorithm");
    EXPECT_EQ(VerificationKey::from_jwk(jwk(secret), JoseAlgorithm::hs256).value().algorithm(),
              JoseAlgorithm::hs256);
}

}  // namespace
}  // namespace gh::identity
