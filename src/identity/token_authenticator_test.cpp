#include "identity/token_authenticator.hpp"

#include <gtest/gtest.h>

#include <string>

#include "identity/test_tokens.hpp"

namespace gh::identity {
namespace {

using access::Credentials;
using access::PrincipalType;
using access::Refusal;
using testing::hs256;
using testing::test_secret;

constexpr SystemTime now{std::chrono::seconds{1'000'000}};
constexpr std::string_view api_key = "an opaque key from before";

std::shared_ptr<const KeySet> keys_of(std::string_view secret) {
    return std::make_shared<const KeySet>(std::vector{
        VerificationKey::symmetric(codec::JoseAlgorithm::hs256, crypto::Secret(secret)).value()});
}

std::shared_ptr<const Trust> trust_of(std::string_view secret = test_secret,
                                      std::shared_ptr<JwksCache> jwks = nullptr) {
    const auto hasher = std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    auto table = ApiKeyTable::make(
                     hasher, {{.hash = hasher->of_text(api_key), .id = "old", .roles = {"guest"}}})
                     .value();
    TrustedIssuer idp{.policy = {.issuer = "idp", .audience = {"api"}}, .keys = keys_of(secret)};
    TrustedIssuer fetched{.policy = {.issuer = "fetched", .any_audience = true},
                          .type = PrincipalType::service,
                          .keys = std::make_shared<const KeySet>(),
                          .jwks = std::move(jwks)};
    return Trust::make({std::move(idp), std::move(fetched)},
                       std::make_shared<const ApiKeyTable>(std::move(table)))
        .value();
}

std::string bearer(std::string_view more = "", std::string_view secret = test_secret) {
    return "Bearer " +
           hs256(R"({"iss":"idp","sub":"alice","aud":"api","exp":1000060,"roles":["user"])" +
                     std::string(more) + "}",
                 secret);
}

Credentials with_authorization(std::string_view value) {
    return {.authorization = value, .has_authorization = true};
}
Credentials with_key(std::string_view value) { return {.api_key = value, .has_api_key = true}; }

TEST(TokenAuthenticator, RecognisesABearerTokenAndRemembersIt) {
    const TrustSource source(trust_of());
    TokenAuthenticator door(source);
    const auto value = bearer();
    const auto first = door.authenticate(with_authorization(value), now);
    ASSERT_TRUE(first.principal) << first.reason;
    EXPECT_EQ(first.principal->subject, "alice");
    EXPECT_EQ(first.principal->type, PrincipalType::user);
    EXPECT_EQ(first.principal->role, access::Role::user);
    EXPECT_EQ(door.authenticate(with_authorization(value), now).principal, first.principal)
        << "the same one, not one alike";
    const auto last = now + std::chrono::seconds(60);
    EXPECT_TRUE(
        door.authenticate(with_authorization(value), last - std::chrono::nanoseconds(1)).principal);
    EXPECT_EQ(door.authenticate(with_authorization(value), last).reason, "jwt.expired")
        << "remembered or not";
}

TEST(TokenAuthenticator, SaysLittleToTheClientAndMoreToTheLog) {
    const TrustSource source(trust_of());
    TokenAuthenticator door(source);
    const auto wrong_key = bearer("", "another secret of thirty-two bytes!");
    const auto stranger =
        "Bearer " + hs256(R"({"iss":"stranger","sub":"a","aud":"api","exp":1000060})");
    const auto nameless = "Bearer " + hs256(R"({"sub":"a","aud":"api","exp":1000060})");
    const auto expired = "Bearer " + hs256(R"({"iss":"idp","sub":"a","aud":"api","exp":1000000})");
    struct Case {
        Credentials credentials;
        Refusal refusal;
        std::string_view reason;
    };
    const Case cases[] = {
        {{}, Refusal::missing, "auth.missing"},
        {with_authorization(""), Refusal::missing, "authorization.malformed"},
        {with_authorization("Bearer"), Refusal::missing, "authorization.malformed"},
        {with_authorization("Bearer a b"), Refusal::missing, "authorization.malformed"},
        {with_authorization("Basic dXNlcjpwYXNz"), Refusal::missing, "auth.scheme"},
        {with_authorization("DPoP abc"), Refusal::token, "jwt.malformed"},
        {with_authorization("Bearer abc"), Refusal::token, "jwt.malformed"},
        {with_authorization(wrong_key), Refusal::token, "jwt.signature"},
        {with_authorization(stranger), Refusal::token, "jwt.issuer"},
        {with_authorization(nameless), Refusal::token, "jwt.issuer"},
        {with_authorization(expired), Refusal::token, "jwt.expired"},
        {with_key(""), Refusal::missing, "key.malformed"},
        {with_key("unknown"), Refusal::missing, "key.unknown"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.reason);
        const auto verdict = door.authenticate(c.credentials, now);
        EXPECT_EQ(verdict.principal, nullptr);
        EXPECT_EQ(verdict.refusal, c.refusal);
        EXPECT_EQ(verdict.reason, c.reason);
    }
}

TEST(TokenAuthenticator, RefusesAWrongCredentialBesideARightOne) {
    const TrustSource source(trust_of());
    TokenAuthenticator door(source);
    const auto token = bearer();
    const access::ClientCertificate certificate{"device", "ab12", "07"};
    struct Case {
        std::string_view authorization, key;
        bool has_key, has_certificate;
        std::string_view subject;  // empty: refused
    };
    const Case cases[] = {
        {token, api_key, true, true, "alice"},  // the token says who asks
        {token, "wrong", true, false, ""},
        {token, "", true, false, ""},  // an empty key is a wrong one
        {"Bearer wrong", api_key, true, false, ""},
        {"", api_key, true, true, "old"},
        {"", "wrong", true, true, ""},
        {"", "", false, true, "device"},
        {"Bearer wrong", "", false, true, ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.authorization.substr(0, 12)) + " | " + std::string(c.key));
        const auto verdict =
            door.authenticate({.authorization = c.authorization,
                               .api_key = c.key,
                               .certificate = c.has_certificate ? &certificate : nullptr,
                               .has_authorization = !c.authorization.empty(),
                               .has_api_key = c.has_key},
                              now);
        EXPECT_EQ(verdict.principal ? verdict.principal->subject : "", c.subject) << verdict.reason;
    }
}

TEST(TokenAuthenticator, ForgetsWhomItKnewWhenTrustChanges) {
    TrustSource source(trust_of());
    TokenAuthenticator door(source);
    const auto value = bearer();
    ASSERT_TRUE(door.authenticate(with_authorization(value), now).principal);
    source.publish(trust_of("a new secret of thirty-two bytes or so"));
    EXPECT_EQ(door.authenticate(with_authorization(value), now).reason, "jwt.signature");
    const auto fresh = bearer("", "a new secret of thirty-two bytes or so");
    EXPECT_TRUE(door.authenticate(with_authorization(fresh), now).principal);
}

TEST(TokenAuthenticator, AsksForKeysItLacksAndBelievesThemOnceTheyAreThere) {
    const auto pair = crypto::PrivateKey::generate(crypto::KeyKind::ed25519);
    const auto jwks = std::make_shared<JwksCache>("https://idp/jwks");
    int woken = 0;
    jwks->on_miss([&] { ++woken; });
    TrustSource source(trust_of(test_secret, jwks));
    TokenAuthenticator door(source);
    const auto value =
        "Bearer " + testing::signed_by(pair, crypto::SignatureAlgorithm::eddsa,
                                       R"({"alg":"EdDSA","kid":"k"})",
                                       R"({"iss":"fetched","sub":"svc","exp":1000060})");
    EXPECT_EQ(door.authenticate(with_authorization(value), now).reason, "jwt.key");
    EXPECT_EQ(woken, 1);
    // Raw Ed25519 keys are the last 32 bytes of their DER.
    const auto pem = pair.public_key().pem();
    const auto begin = pem.find('\n') + 1;
    const auto der = codec::decode_base64(pem.substr(begin, pem.find('\n', begin) - begin)).value();
    ASSERT_TRUE(jwks->begin(SteadyTime{}));
    ASSERT_TRUE(jwks->accept(R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":")" +
                                 codec::encode_base64url(der.substr(der.size() - 32)) + "\"}]}",
                             SteadyTime{}));
    source.publish_fetched_keys();
    const auto verdict = door.authenticate(with_authorization(value), now);
    ASSERT_TRUE(verdict.principal) << verdict.reason;
    EXPECT_EQ(verdict.principal->type, PrincipalType::service);
    EXPECT_EQ(woken, 1);
}

/// A worker's door to keys in a database that knows one of them.
class StoredKeyTest : public ::testing::Test {
 protected:
    using Answer = Result<std::shared_ptr<const access::Principal>>;
    Task<Answer> look_up(std::string_view text) {
        ++look_ups;
        if (away) co_return fail(ErrorKind::unavailable, "storage.connection");
        if (text != stored) co_return fail(ErrorKind::unauthenticated, "key.unknown");
        auto principal = std::make_shared<access::Principal>();
        principal->type = PrincipalType::api_key;
        principal->subject = principal->token_id = "k1";
        principal->issued_at = now;
        principal->revoked_by = access::RevokedBy::key_list;
        co_return principal;
    }
    access::Verdict show(std::string_view key, SystemTime at = now) {
        return door.authenticate(with_key(key), at);
    }

    const std::string stored = generate_api_key("k1").value();
    bool away = false;
    int look_ups = 0;
    KeyUses uses;
    RevocationSource revocations;
    TrustSource source{trust_of()};
    TokenAuthenticator door{source, &revocations,
                            std::make_unique<StoredKeys>(
                                [this](std::string_view text, SystemTime) { return look_up(text); },
                                [] { return now; }, uses)};
};

TEST_F(StoredKeyTest, KnowsKeysOfTheDatabaseAndAsksOnlyForThoseThatCouldBe) {
    const auto verdict = show(stored);
    ASSERT_TRUE(verdict.principal) << verdict.reason;
    EXPECT_EQ(verdict.principal->subject, "k1");
    EXPECT_EQ(show(stored).principal, verdict.principal);
    EXPECT_EQ(look_ups, 1);

    EXPECT_EQ(show(generate_api_key("k1").value()).reason, "key.unknown");
    EXPECT_EQ(look_ups, 2);
    EXPECT_EQ(show("gh_k1_short").reason, "key.malformed");
    EXPECT_EQ(show("of another kind").reason, "key.unknown");
    EXPECT_EQ(show("gh_" + std::string(api_key_bytes_max, 'x')).reason, "key.malformed");
    EXPECT_EQ(show(api_key).principal->subject, "old");  // the configuration's
    EXPECT_EQ(look_ups, 2);
}

TEST_F(StoredKeyTest, ARevokedKeyEndsAtOnceWhateverIsRemembered) {
    ASSERT_TRUE(show(stored).principal);
    revocations.add({{RevocationKind::key, "other", now + seconds(1), now + seconds(60)},
                     {RevocationKind::subject, "k1", now + seconds(1), now + seconds(60)}},
                    now);
    EXPECT_TRUE(show(stored).principal);  // of tokens, and of another key
    revocations.add({{RevocationKind::key, "k1", now + seconds(1), now + seconds(60)}}, now);
    const auto verdict = show(stored);
    EXPECT_FALSE(verdict.principal);
    EXPECT_EQ(verdict.reason, "key.revoked");
    EXPECT_EQ(verdict.refusal, Refusal::missing);
    away = true;
    EXPECT_EQ(show(stored, now + seconds(2)).reason, "key.revoked");
}

TEST_F(StoredKeyTest, SaysWhenNobodyCanTell) {
    away = true;
    const auto verdict = show(stored);
    EXPECT_FALSE(verdict.principal);
    EXPECT_EQ(verdict.standing, access::Verdict::Standing::unavailable);
    EXPECT_EQ(show(api_key).principal->subject, "old");
    away = false;
    EXPECT_EQ(show(stored).standing, access::Verdict::Standing::unavailable);  // a moment ago
    EXPECT_TRUE(show(stored, now + StoredKeys::retry_after).principal);
}

TEST_F(StoredKeyTest, AKeyThatMovesToTheConfigurationIsWhatItSaysThere) {
    ASSERT_EQ(show(stored).principal->subject, "k1");
    const auto hasher = std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    auto table = ApiKeyTable::make(
                     hasher, {{.hash = hasher->of_text(stored), .id = "k1", .subject = "conf"}})
                     .value();
    source.publish(Trust::make({}, std::make_shared<const ApiKeyTable>(std::move(table))).value());
    EXPECT_EQ(show(stored).principal->subject, "conf");
    revocations.add({{RevocationKind::key, "k1", now + seconds(1), now + seconds(60)}}, now);
    EXPECT_TRUE(show(stored).principal);  // what the configuration says only it takes back
}

}  // namespace
}  // namespace gh::identity
