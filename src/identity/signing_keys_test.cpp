#include "identity/signing_keys.hpp"

#include <gtest/gtest.h>

#include <map>

#include "codec/jwk.hpp"
#include "identity/jwt.hpp"

namespace gh::identity {
namespace {

using codec::JoseAlgorithm;
using std::chrono::days;
using std::chrono::hours;

class MemoryKeyStore final : public crypto::KeyStore {
 public:
    Result<crypto::Secret> load(std::string_view name) override {
        const auto found = values.find(name);
        if (found == values.end()) return fail(ErrorKind::not_found, "key_store.absent");
        return crypto::Secret(found->second);
    }
    Result<void> store(std::string_view name, const crypto::Secret& value) override {
        ++stores;
        if (broken) return fail(ErrorKind::unavailable, "key_store.io");
        values[std::string(name)] = crypto::text_of(value.bytes());
        return {};
    }
    std::map<std::string, std::string, std::less<>> values;
    int stores = 0;
    bool broken = false;
};

const SystemTime start{seconds(1'700'000'000)};

std::string claims_at(SystemTime now) {
    const auto issued = std::chrono::duration_cast<seconds>(now.time_since_epoch()).count();
    return R"({"iss":"us","sub":"ann","aud":"us","iat":)" + std::to_string(issued) + R"(,"exp":)" +
           std::to_string(issued + 60) + "}";
}

JwtPolicy policy() { return {.issuer = "us", .audience = {"us"}}; }

TEST(SigningKeys, SignWhatTheirOwnPublicHalvesBelieve) {
    for (const auto algorithm : {JoseAlgorithm::es256, JoseAlgorithm::eddsa, JoseAlgorithm::rs256,
                                 JoseAlgorithm::hs256, JoseAlgorithm::ps384}) {
        SCOPED_TRACE(name_of(algorithm));
        MemoryKeyStore store;
        const auto keys = SigningKeys::keep(store, algorithm, {}, start);
        ASSERT_TRUE(keys) << describe(keys.error());
        const auto token = (*keys)->current(start).sign(claims_at(start), "at+jwt");
        const auto claims = verify_jwt(token, *(*keys)->verification_keys(), policy(), start);
        ASSERT_TRUE(claims) << claims.error().reason;
        EXPECT_EQ(claims->subject, "ann");
    }
}

TEST(SigningKeys, ThePublishedSetVerifiesAndHoldsNoSecret) {
    MemoryKeyStore store;
    const auto keys = SigningKeys::keep(store, JoseAlgorithm::es256, {}, start).value();
    EXPECT_EQ(keys->jwks().find("\"d\""), std::string::npos);
    auto set = codec::parse_jwk_set(keys->jwks());
    ASSERT_TRUE(set);
    const auto published = KeySet::from_jwks(*std::move(set), {});
    const auto token = keys->current(start).sign(claims_at(start), "at+jwt");
    EXPECT_TRUE(verify_jwt(token, published, policy(), start));

    const auto symmetric = SigningKeys::keep(store, JoseAlgorithm::hs256, {}, start).value();
    EXPECT_EQ(codec::parse_jwk_set(symmetric->jwks())->keys.size(), 1U);  // the old one alone
}

TEST(SigningKeys, AreTheSameAfterARestart) {
    MemoryKeyStore store;
    const auto first = SigningKeys::keep(store, JoseAlgorithm::eddsa, {}, start).value();
    const auto second =
        SigningKeys::keep(store, JoseAlgorithm::eddsa, {}, start + hours(1)).value();
    EXPECT_EQ(first->jwks(), second->jwks());
    EXPECT_EQ(store.stores, 1);
}

TEST(SigningKeys, FollowOneAnotherWithAnOverlap) {
    MemoryKeyStore store;
    const KeyRotation rotation;
    const auto keep = [&](SystemTime now) {
        return SigningKeys::keep(store, JoseAlgorithm::es256, rotation, now).value();
    };
    const auto first = keep(start)->current(start).id();
    EXPECT_EQ(keep(start + days(28))->size(), 1U);

    // A day ahead the next one is published and does not sign yet.
    const auto announced = keep(start + days(29));
    EXPECT_EQ(announced->size(), 2U);
    EXPECT_EQ(announced->current(start + days(29)).id(), first);
    EXPECT_NE(announced->current(start + days(30)).id(), first);

    // The old one is believed as long as its last tokens live.
    EXPECT_EQ(keep(start + days(31))->size(), 2U);
    const auto later = keep(start + days(30) + rotation.kept);
    EXPECT_EQ(later->size(), 1U);
    EXPECT_NE(later->current(start + days(32)).id(), first);
}

TEST(SigningKeys, AfterALongSleepTheNextIsAnnouncedAllTheSame) {
    MemoryKeyStore store;
    const auto first = SigningKeys::keep(store, JoseAlgorithm::es256, {}, start).value();
    const auto late = start + days(400);
    const auto keys = SigningKeys::keep(store, JoseAlgorithm::es256, {}, late).value();
    EXPECT_EQ(keys->size(), 2U);
    EXPECT_EQ(keys->current(late).id(), first->current(start).id());
}

TEST(SigningKeys, AnotherAlgorithmSignsAtOnce) {
    MemoryKeyStore store;
    (void)SigningKeys::keep(store, JoseAlgorithm::es256, {}, start).value();
    const auto keys = SigningKeys::keep(store, JoseAlgorithm::eddsa, {}, start + hours(1)).value();
    EXPECT_EQ(keys->current(start + hours(1)).algorithm(), JoseAlgorithm::eddsa);
    EXPECT_EQ(keys->size(), 2U);
}

TEST(SigningKeys, AreNotUsedBeforeTheyAreKept) {
    MemoryKeyStore store;
    store.broken = true;
    const auto keys = SigningKeys::keep(store, JoseAlgorithm::es256, {}, start);
    ASSERT_FALSE(keys);
    EXPECT_EQ(keys.error().reason, "key_store.io");
}

TEST(SigningKeys, WhatCannotBeReadIsNotReplaced) {
    for (const std::string_view text :
         {"", "{}", R"({"keys":[{}]})",
          R"({"keys":[{"id":"a","algorithm":"ES256","active_from":1,"material":"AAAA"}]})",
          R"({"keys":[{"id":"a","algorithm":"HS256","active_from":1,"material":"AAAA"}]})"}) {
        MemoryKeyStore store;
        store.values["token-signing-keys"] = text;
        const auto keys = SigningKeys::keep(store, JoseAlgorithm::es256, {}, start);
        ASSERT_FALSE(keys);
        EXPECT_EQ(keys.error().reason, "signing_key.unreadable");
        EXPECT_EQ(store.stores, 0);
    }
}

TEST(SigningKeys, IdIsTheThumbprint) {
    // RFC 7638 §3.1.
    codec::Jwk key;
    key.type = codec::Jwk::Type::ec;
    key.curve = "P-256";
    key.x = std::string(32, 'x');
    key.y = std::string(32, 'y');
    EXPECT_EQ(codec::thumbprint_input(key),
              R"({"crv":"P-256","kty":"EC","x":"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg",)"
              R"("y":"eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXl5eXk"})");
}

}  // namespace
}  // namespace gh::identity
