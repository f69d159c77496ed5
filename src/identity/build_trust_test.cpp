#include "identity/build_trust.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "codec/hex.hpp"
#include "crypto/private_key.hpp"
#include "identity/test_tokens.hpp"

namespace gh::identity {
namespace {

std::shared_ptr<const ApiKeyHasher> hasher() {
    static const auto one = std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    return one;
}

TrustedIssuerConfig with_secret(std::string secret,
                                codec::JoseAlgorithm algorithm = codec::JoseAlgorithm::hs256) {
    TrustedIssuerConfig issuer;
    issuer.issuer = "legacy";
    issuer.secret = config::Secret(std::move(secret));
    issuer.algorithm = algorithm;
    issuer.any_audience = true;
    return issuer;
}

AuthConfig with_issuer(TrustedIssuerConfig issuer) {
    AuthConfig config;
    config.trusted_issuers.push_back(std::move(issuer));
    return config;
}

AuthConfig with_key(std::string value, std::string sha256 = {}) {
    AuthConfig config;
    config.api_keys.push_back({.id = "ci",
                               .value = config::Secret(std::move(value)),
                               .sha256 = std::move(sha256),
                               .subject = "ci"});
    return config;
}

/// The detail of the refusal; empty when it was built.
std::string problem(const AuthConfig& config, BuildOptions options = {}) {
    const auto trust = build_trust(config, hasher(), nullptr, options);
    return trust ? "" : trust.error().detail;
}

TEST(BuildTrust, RefusesSecretsThatProtectNothing) {
    EXPECT_EQ(problem(with_issuer(with_secret(std::string(testing::test_secret)))), "");
    EXPECT_TRUE(problem(with_issuer(with_secret("change-me-in-production")))
                    .contains("secret.placeholder"));
    EXPECT_TRUE(problem(with_issuer(with_secret("a-string-secret-at-least-256-bits-long")))
                    .contains("secret.published"));
    EXPECT_TRUE(problem(with_issuer(with_secret("q8Zr2Vw7Rt5Yp1Xn"))).contains("secret.short"));
    EXPECT_TRUE(problem(with_issuer(with_secret(std::string(testing::test_secret),
                                                codec::JoseAlgorithm::hs512)))
                    .contains("key.weak"));
    const BuildOptions development{.weak_secrets_allowed = true};
    EXPECT_EQ(
        problem(with_issuer(with_secret("a-string-secret-at-least-256-bits-long")), development),
        "");
    EXPECT_TRUE(problem(with_issuer(with_secret("change-me-in-production")), development)
                    .contains("key.weak"));
}

TEST(BuildTrust, RefusesApiKeysThatProtectNothing) {
    EXPECT_EQ(problem(with_key(generate_api_key("ci").value())), "");
    EXPECT_EQ(problem(with_key("an-opaque-key-of-16b")), "");
    EXPECT_TRUE(problem(with_key("")).contains("secret.empty"));
    EXPECT_TRUE(problem(with_key("short")).contains("secret.short"));
    EXPECT_TRUE(problem(with_key("YOUR_API_KEY_GOES_HERE")).contains("secret.placeholder"));
    EXPECT_TRUE(problem(with_key("gh_ci_cut-short-when-it-was-pasted")).contains("key.malformed"));
    EXPECT_TRUE(problem(with_key("", codec::encode_hex(crypto::text_of(crypto::sha256("")))))
                    .contains("secret.empty"));
    EXPECT_TRUE(problem(with_key("", "abcd")).contains("key.malformed"));
}

TEST(BuildTrust, FindsAKeyByItsTextOrItsDigest) {
    const auto text = generate_api_key("ci").value();
    for (const auto& config : {with_key(text), with_key("", crypto::sha256_hex(text))}) {
        const auto trust = build_trust(config, hasher(), nullptr).value();
        EXPECT_EQ(trust->api_keys().find(text, SystemTime{}).value()->subject, "ci");
    }
}

TEST(BuildTrust, ReadsKeysFromFiles) {
    const auto folder = std::filesystem::path(::testing::TempDir()) / "gatehouse_build_trust";
    std::filesystem::create_directories(folder);
    const auto pair = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    std::ofstream(folder / "key.pem") << pair.public_key().pem();
    std::ofstream(folder / "jwks.json")
        << R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
    std::ofstream(folder / "empty.json") << R"({"keys":[]})";

    TrustedIssuerConfig pem;
    pem.issuer = "pem";
    pem.public_key_file = folder / "key.pem";
    pem.algorithm = codec::JoseAlgorithm::es256;
    const auto trust = build_trust(with_issuer(pem), hasher(), nullptr).value();
    const auto token =
        testing::signed_by(pair, crypto::SignatureAlgorithm::es256, R"({"alg":"ES256"})", "{}");
    EXPECT_TRUE(
        verify_signature(codec::parse_jws(token).value(), *trust->find_issuer("pem")->keys));
    pem.algorithm = codec::JoseAlgorithm::rs256;
    EXPECT_TRUE(problem(with_issuer(pem)).contains("key.algorithm"));
    pem.public_key_file = folder / "absent.pem";
    EXPECT_TRUE(problem(with_issuer(pem)).contains("issuer pem"));

    TrustedIssuerConfig set;
    set.issuer = "set";
    set.jwks_file = folder / "jwks.json";
    EXPECT_EQ(
        build_trust(with_issuer(set), hasher(), nullptr).value()->find_issuer("set")->keys->size(),
        1U);
    set.jwks_file = folder / "empty.json";
    EXPECT_TRUE(problem(with_issuer(set)).contains("jwks.empty"));
    std::filesystem::remove_all(folder);
}

TEST(BuildTrust, KeepsFetchedKeysOverAReloadUnlessTheIssuerChanged) {
    TrustedIssuerConfig issuer;
    issuer.issuer = "idp";
    issuer.jwks_uri = "https://idp/jwks";
    const auto before = build_trust(with_issuer(issuer), hasher(), nullptr).value();
    const auto cache = before->issuers()[0].jwks;
    ASSERT_TRUE(cache->begin(SteadyTime{}));
    ASSERT_TRUE(cache->accept(
        R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
        SteadyTime{}));
    const auto same = build_trust(with_issuer(issuer), hasher(), before.get()).value();
    EXPECT_EQ(same->issuers()[0].jwks, cache);
    EXPECT_EQ(same->issuers()[0].keys->size(), 1U);
    issuer.jwks_uri = "https://idp/other";
    const auto other = build_trust(with_issuer(issuer), hasher(), before.get()).value();
    EXPECT_EQ(other->issuers()[0].keys->size(), 0U);
}

}  // namespace
}  // namespace gh::identity
