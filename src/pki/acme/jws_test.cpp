#include "pki/acme/jws.hpp"

#include <gtest/gtest.h>

#include "pki/acme/testing.hpp"

namespace gh::pki::acme {
namespace {

using codec::JoseAlgorithm;

constexpr std::string_view url = "https://ca.example/acme/new-order";

std::string_view reason_of(std::string_view text, JwsUse use = JwsUse::request) {
    const auto parsed = parse_jws(text, use);
    return parsed ? "" : parsed.error().reason;
}

TEST(AcmeJws, IsBelievedByItsSignersKeyAlone) {
    for (const auto algorithm : {JoseAlgorithm::es256, JoseAlgorithm::es384, JoseAlgorithm::es512,
                                 JoseAlgorithm::eddsa, JoseAlgorithm::rs256}) {
        SCOPED_TRACE(codec::name_of(algorithm));
        const Signer signer(algorithm), other(algorithm);
        const auto text = signer.sign(signer.header(signer.by_key(), url, "n-1"), "{}");
        auto jws = parse_jws(text, JwsUse::request);
        ASSERT_TRUE(jws) << describe(jws.error());
        EXPECT_EQ(jws->url, url);
        EXPECT_EQ(jws->nonce, "n-1");
        EXPECT_EQ(jws->payload, "{}");
        EXPECT_EQ(thumbprint_of(*jws->key), thumbprint_of(signer.jwk()));
        EXPECT_TRUE(jws->signed_by(*public_key_of(*jws->key)));
        EXPECT_FALSE(jws->signed_by(other.key().public_key()));
        jws->signing_input.back() ^= 1;
        EXPECT_FALSE(jws->signed_by(*public_key_of(*jws->key)));
    }
}

TEST(AcmeJws, AKeyOfAnotherKindHasNotSigned) {
    const Signer signer;
    const auto jws =
        parse_jws(signer.sign(signer.header(signer.by_key(), url, "n"), ""), JwsUse::request);
    EXPECT_FALSE(jws->signed_by(Signer(JoseAlgorithm::eddsa).key().public_key()));
}

// RFC 7638 §3.1 has this key and its thumbprint.
TEST(AcmeJws, MakesTheThumbprintOfTheStandardsExample) {
    const auto key = codec::json::parse(
        R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"})");
    const auto jwk = read_account_key(*key);
    ASSERT_TRUE(jwk) << describe(jwk.error());
    EXPECT_EQ(thumbprint_of(*jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(AcmeJws, WhatIsAmbiguousIsRefused) {
    const Signer signer;
    const auto signed_with = [&](std::string_view header) { return signer.sign(header, "{}"); };
    const auto key = signer.by_key();
    const auto with = [&](std::string_view more) {
        auto header = signer.header(key, url, "n");
        header.insert(header.size() - 1, more);
        return signed_with(header);
    };
    struct Case {
        std::string text;
        std::string_view reason;
    };
    const Case cases[] = {
        {with(""), ""},
        {with(R"(,"kid":"https://ca.example/acme/account/1")"), "acme.malformed"},
        {with(R"(,"crit":["x"])"), "acme.malformed"},
        {with(R"(,"b64":false)"), "acme.malformed"},
        {with(R"(,"url":"https://other.example")"), "acme.malformed"},  // twice
        {signed_with(R"({"alg":"ES256","url":"u","nonce":"n"})"), "acme.malformed"},
        {signed_with(R"({"alg":"ES256","kid":"k","nonce":"n"})"), "acme.malformed"},
        {signed_with(R"({"alg":"ES256","kid":"k","url":"u"})"), "acme.malformed"},
        {signed_with(R"({"alg":"none","kid":"k","url":"u","nonce":"n"})"), "acme.algorithm"},
        {signed_with(R"({"alg":"HS256","kid":"k","url":"u","nonce":"n"})"), "acme.algorithm"},
        {signed_with(R"({"alg":"PS256","kid":"k","url":"u","nonce":"n"})"), "acme.algorithm"},
        {signed_with(R"({"kid":"k","url":"u","nonce":"n"})"), "acme.algorithm"},
        {signed_with(R"({"alg":"ES256","jwk":{"kty":"oct","k":"AAAA"},"url":"u","nonce":"n"})"),
         "acme.public_key"},
        {signed_with(R"({"alg":"ES256","jwk":"x","url":"u","nonce":"n"})"), "acme.public_key"},
        {signed_with("[]"), "acme.malformed"},
        {signed_with("{"), "acme.malformed"},
        {R"({"protected":"e30","payload":"","signature":"AA","header":{}})", "acme.malformed"},
        {R"({"protected":"e30","payload":"","signatures":[]})", "acme.malformed"},
        {R"({"protected":"e30=","payload":"","signature":"AA"})", "acme.malformed"},
        {R"({"protected":"e30","payload":""})", "acme.malformed"},
        {"", "acme.malformed"},
        {"[]", "acme.malformed"},
    };
    for (const auto& each : cases) {
        SCOPED_TRACE(each.text);
        EXPECT_EQ(reason_of(each.text), each.reason);
    }
}

TEST(AcmeJws, WeakKeysAreNotTaken) {
    const auto small = crypto::PrivateKey::generate(crypto::KeyKind::rsa);
    auto jwk = jwk_of(small.public_key());
    jwk.modulus.resize(128);  // 1024 bits
    jwk.modulus.back() |= 1;
    const auto value = codec::json::parse(codec::thumbprint_input(jwk));
    EXPECT_EQ(read_account_key(*value).error().reason, "acme.public_key");
}

// Or one key had many thumbprints, and with them many accounts.
TEST(AcmeJws, NumbersOfAKeyAreWrittenInOneWay) {
    const auto key = crypto::PrivateKey::generate(crypto::KeyKind::rsa);
    const auto good = [](const codec::Jwk& jwk) {
        return read_account_key(*codec::json::parse(codec::thumbprint_input(jwk))).has_value();
    };
    auto jwk = jwk_of(key.public_key());
    EXPECT_TRUE(good(jwk));
    auto longer = jwk;
    longer.modulus.insert(0, 1, '\0');
    EXPECT_FALSE(good(longer));
    longer = jwk;
    longer.exponent.insert(0, 1, '\0');
    EXPECT_FALSE(good(longer));
}

TEST(AcmeJws, InnerOnesHaveNoNonce) {
    const Signer signer;
    const auto change = signer.sign(signer.header(signer.by_key(), url, ""), "{}");
    EXPECT_EQ(reason_of(change, JwsUse::key_change), "");
    EXPECT_EQ(reason_of(change), "acme.malformed");
    const auto fresh = signer.sign(signer.header(signer.by_key(), url, "n"), "{}");
    EXPECT_EQ(reason_of(fresh, JwsUse::key_change), "acme.malformed");
    const auto by_account = signer.sign(signer.header(R"("kid":"k")", url, ""), "{}");
    EXPECT_EQ(reason_of(by_account, JwsUse::key_change), "acme.malformed");
}

TEST(AcmeJws, AnExternalAccountIsProvenByItsSecret) {
    const Signer signer;
    const auto secret = crypto::Secret::random(32);
    const auto text = bound("k-1", secret, url, signer.jwk_text());
    const auto jws = parse_jws(text, JwsUse::external_account);
    ASSERT_TRUE(jws) << describe(jws.error());
    EXPECT_EQ(jws->key_id, "k-1");
    EXPECT_TRUE(jws->signed_by(secret));
    EXPECT_FALSE(jws->signed_by(crypto::Secret::random(32)));
    EXPECT_EQ(reason_of(text), "acme.algorithm");
    const auto asymmetric = signer.sign(signer.header(R"("kid":"k-1")", url, ""), "{}");
    EXPECT_EQ(reason_of(asymmetric, JwsUse::external_account), "acme.algorithm");
}

}  // namespace
}  // namespace gh::pki::acme
