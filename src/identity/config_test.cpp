#include "identity/config.hpp"

#include <gtest/gtest.h>

#include "config/read_for_test.hpp"

namespace gh::identity {
namespace {

using config::read_for_test;

AuthConfig good(const std::string& yaml) {
    auto read = read_for_test(auth_type(), yaml,
                              {{"SECRET", std::string(64, 'k')}, {"KEY", "0123456789abcdef"}});
    EXPECT_EQ(read.problems, "");
    return std::move(read.value);
}

TEST(AuthConfig, ReadsIssuersByEachKindOfKey) {
    const auto auth = good(
        "trusted_issuers:\n"
        "  - {issuer: https://idp, jwks_uri: https://idp/jwks, audience: api, roles_claim: groups, "
        "ca_file: ca.pem}\n"
        "  - {issuer: local, jwks_uri: \"http://127.0.0.1:9/jwks\", audience: [a, b], algorithm: "
        "RS256, refresh: 1h}\n"
        "  - {issuer: legacy, issuer_required: false, algorithm: HS512, secret: \"${env:SECRET}\", "
        "audience: any}\n"
        "  - {issuer: pem, algorithm: EdDSA, public_key_file: key.pem, audience: [any], leeway: "
        "30s}\n"
        "  - {issuer: file, jwks_file: /keys.json, audience: x}\n");
    ASSERT_EQ(auth.trusted_issuers.size(), 5U);
    EXPECT_TRUE(auth.enabled);
    EXPECT_EQ(auth.trusted_issuers[0].roles_claim, "groups");
    EXPECT_FALSE(auth.trusted_issuers[0].algorithm);
    EXPECT_FALSE(auth.trusted_issuers[0].any_audience);
    EXPECT_EQ(auth.trusted_issuers[1].audience, (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(auth.trusted_issuers[2].any_audience);
    EXPECT_EQ(auth.trusted_issuers[2].secret.view(), std::string(64, 'k'));
    EXPECT_EQ(auth.trusted_issuers[2].leeway.count(), 0);
    // In a list, "any" is a name like another.
    EXPECT_FALSE(auth.trusted_issuers[3].any_audience);
    EXPECT_EQ(auth.trusted_issuers[3].leeway.count(), 30);
}

TEST(AuthConfig, ShowsWhatItReadWithoutSecrets) {
    const auto read = read_for_test(
        auth_type(),
        "trusted_issuers: [{issuer: a, jwks_uri: https://a/j, audience: [any], algorithm: ES384}]\n"
        "api_keys: [{id: k, sha256: " +
            std::string(64, 'A') +
            ", roles: [user], scopes: [s], expires: "
            "\"2030-01-01T00:00:00Z\"}, {id: l, value: \"${env:KEY}\"}]\n",
        {{"KEY", "0123456789abcdef"}});
    ASSERT_EQ(read.problems, "");
    EXPECT_FALSE(read.shown.contains("0123456789abcdef")) << read.shown;
    EXPECT_EQ(read.value.api_keys[0].subject, "k");
    EXPECT_EQ(read.value.api_keys[0].sha256, std::string(64, 'a'));
    const auto again = read_for_test(auth_type(), read.shown);
    ASSERT_EQ(again.problems, "") << read.shown;
    EXPECT_EQ(again.value.trusted_issuers, read.value.trusted_issuers);
    EXPECT_EQ(again.value.api_keys[0], read.value.api_keys[0]);
}

TEST(AuthConfig, RefusesWhatIsAmbiguousOrWeak) {
    struct Case {
        std::string yaml, wanted;
    };
    const auto issuer = [](const std::string& keys) {
        return "trusted_issuers:\n  - {issuer: a, " + keys + "}\n";
    };
    const auto key = [](const std::string& keys) {
        return "api_keys:\n  - {id: k, " + keys + "}\n";
    };
    const Case cases[] = {
        {"trusted_issuers:\n  - {jwks_uri: https://a, audience: x}",
         "f:2: trusted_issuers[0].issuer: is missing: Compared with the claim iss, byte by byte."},
        {issuer("jwks_uri: https://a"),
         "f:2: trusted_issuers[0]: audience is missing, wanted: our name in aud, or any, "
         "spelled out"},
        {issuer("audience: x"),
         "f:2: trusted_issuers[0]: wants exactly one of jwks_uri, jwks_file, secret, "
         "public_key_file"},
        {issuer("audience: x, jwks_uri: https://a, jwks_file: b"),
         "f:2: trusted_issuers[0]: wants exactly one of jwks_uri, jwks_file, secret, "
         "public_key_file"},
        {issuer("audience: x, jwks_uri: \"http://a/jwks\""),
         "f:2: trusted_issuers[0].jwks_uri: \"http://a/jwks\" is not an https URL, allowed: "
         "https://HOST/PATH, and http on "
         "loopback"},
        {issuer("audience: x, jwks_uri: \"http://localhost.evil/jwks\""),
         "f:2: trusted_issuers[0].jwks_uri: \"http://localhost.evil/jwks\" is not an https URL, "
         "allowed: "
         "https://HOST/PATH, and http on loopback"},
        {issuer("audience: x, jwks_uri: \"http://127.evil/jwks\""),
         "f:2: trusted_issuers[0].jwks_uri: \"http://127.evil/jwks\" is not an https URL, allowed: "
         "https://HOST/PATH, and http on loopback"},
        {issuer("audience: x, jwks_uri: \"https://idp:port/jwks\""),
         "f:2: trusted_issuers[0].jwks_uri: \"https://idp:port/jwks\" is not an https URL, "
         "allowed: "
         "https://HOST/PATH, and http on loopback"},
        {issuer("audience: x, jwks_uri: \"http://127.0.0.1:9@evil/\""),
         "f:2: trusted_issuers[0].jwks_uri: \"http://***@evil/\" is not an https URL, allowed: "
         "https://HOST/PATH, and http "
         "on loopback"},
        {issuer("audience: x, secret: \"${env:SECRET}\""),
         "f:2: trusted_issuers[0]: wants algorithm: a key is good for one algorithm only"},
        {issuer("audience: x, public_key_file: k"),
         "f:2: trusted_issuers[0]: wants algorithm: a key is good for one algorithm only"},
        {issuer("audience: x, secret: \"${env:SECRET}\", algorithm: RS256"),
         "f:2: trusted_issuers[0]: has a secret with a public-key algorithm, allowed: HS256, "
         "HS384, HS512"},
        {issuer("audience: x, public_key_file: k, algorithm: HS256"),
         "f:2: trusted_issuers[0]: has public keys with an HMAC algorithm, which anybody could "
         "then sign with"},
        {issuer("audience: x, jwks_uri: https://a, algorithm: HS256"),
         "f:2: trusted_issuers[0]: has public keys with an HMAC algorithm, which anybody could "
         "then sign with"},
        {issuer("audience: x, jwks_uri: https://a, algorithm: none"),
         "f:2: trusted_issuers[0].algorithm: \"none\" is unknown, allowed: HS256, HS384, HS512, "
         "RS256, RS384, RS512, PS256, "
         "PS384, PS512, ES256, ES384, ES512, EdDSA"},
        {issuer("audience: x, jwks_file: k, ca_file: c"),
         "f:2: trusted_issuers[0]: has ca_file without jwks_uri"},
        {issuer("audience: [], jwks_file: k"),
         "f:2: trusted_issuers[0].audience: has 0 entries, allowed: 1 to 100"},
        {issuer("audience: x, jwks_file: k, leeway: 1h"),
         "f:2: trusted_issuers[0].leeway: \"1h\" is out of range, allowed: 0s to 5m"},
        {key("roles: [user]"), "f:2: api_keys[0]: wants exactly one of value and sha256"},
        {key("value: \"${env:KEY}\", sha256: " + std::string(64, 'a')),
         "f:2: api_keys[0]: wants exactly one of value and sha256"},
        {key("sha256: abc"), "f:2: api_keys[0].sha256: \"abc\" is not 64 hexadecimal digits"},
        {key("value: \"${env:KEY}\", expires: tomorrow"),
         "f:2: api_keys[0].expires: \"tomorrow\" is not a time, allowed: RFC 3339 in UTC, such as "
         "2027-01-31T00:00:00Z"},
        {"issuer: http://api.example.com",
         "f:1: issuer: \"http://api.example.com\" is no issuer, allowed: "
         "https://HOST[:PORT][/PATH] "
         "without a slash at its end, http:// on loopback only"},
        {"login_token_ttl: 25h",
         "f:1: login_token_ttl: \"25h\" is out of range, allowed: 10s to 1d"},
        {"access_token_ttl: 2d",
         "f:1: access_token_ttl: \"2d\" is out of range, allowed: 10s to 1d"},
        {"signing_algorithm: none",
         "f:1: signing_algorithm: \"none\" is unknown, allowed: ES256, EdDSA, RS256, HS256"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.yaml);
        EXPECT_EQ(read_for_test(auth_type(), c.yaml,
                                {{"SECRET", std::string(64, 'k')}, {"KEY", "0123456789abcdef"}})
                      .problems,
                  c.wanted);
    }
}

TEST(AuthConfig, ASecretIsAtLeastAsLongAsItsHash) {
    EXPECT_EQ(secret_bytes_min(codec::JoseAlgorithm::hs256), 32U);
    EXPECT_EQ(secret_bytes_min(codec::JoseAlgorithm::hs384), 48U);
    EXPECT_EQ(secret_bytes_min(codec::JoseAlgorithm::hs512), 64U);
}

}  // namespace
}  // namespace gh::identity
