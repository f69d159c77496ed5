#include "identity/token_issuer.hpp"

#include "codec/base64.hpp"
#include "codec/jwk.hpp"
#include "crypto/digest.hpp"
#include "identity/principal.hpp"
#include "identity/revocations.hpp"
#include "identity/test_tokens.hpp"
#include "identity/token_authenticator.hpp"
#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using std::chrono::hours;

const SystemTime now = SystemTime(milliseconds(1'700'000'000'250));

class NoKeyStore final : public crypto::KeyStore {
 public:
    Result<crypto::Secret> load(std::string_view) override {
        return fail(ErrorKind::not_found, "key_store.absent");
    }
    Result<void> store(std::string_view, const crypto::Secret&) override { return {}; }
};

std::shared_ptr<const SigningKeys> new_keys() {
    NoKeyStore store;
    return SigningKeys::keep(store, codec::JoseAlgorithm::es256, {}, now).value();
}

class TokenIssuerTest : public ::testing::Test {
 protected:
    [[nodiscard]] access::Verdict check(const std::string& token, SystemTime at) {
        const auto value = "Bearer " + token;
        return door.authenticate({.authorization = value, .has_authorization = true}, at);
    }
    TokenIssuer issuer{"https://gate.example", new_keys()};
    TrustSource trust{Trust::make({issuer.trusted()}, nullptr, issuer.name()).value()};
    RevocationSource revocations;
    TokenAuthenticator door{trust, &revocations};
    void SetUp() override { revocations.learn({}, now); }
    TokenGrant grant{.subject = "ann \"quoted\"",
                     .roles = {"user", "custom"},
                     .scopes = {"a:read", "b:write"},
                     .audience = {},
                     .client_id = "app",
                     .actor = {},
                     .confirmation = {}};
};

TEST_F(TokenIssuerTest, NobodyCanTellBeforeTheRevocationsAreKnown) {
    const auto token = issuer.issue(grant, now);
    RevocationSource unknown;
    TokenAuthenticator early{trust, &unknown};
    const auto value = "Bearer " + token.text;
    const auto ask = [&] {
        return early.authenticate({.authorization = value, .has_authorization = true}, now);
    };
    EXPECT_EQ(ask().standing, access::Verdict::Standing::unavailable);
    EXPECT_FALSE(ask().principal);
    unknown.add({{RevocationKind::token, "another", now, now + seconds(60)}}, now);
    EXPECT_EQ(ask().standing, access::Verdict::Standing::unavailable);  // what is ours is not all
    unknown.learn({}, now);
    EXPECT_TRUE(ask().principal);
}

TEST_F(TokenIssuerTest, ItsTokensAreBelievedForAsLongAsTheySay) {
    const auto token = issuer.issue(grant, now);
    EXPECT_EQ(token.expires, std::chrono::floor<seconds>(now) + seconds(1'800));
    const auto verdict = check(token.text, now);
    ASSERT_TRUE(verdict.principal) << verdict.reason;
    EXPECT_EQ(verdict.principal->subject, "ann \"quoted\"");
    EXPECT_EQ(verdict.principal->roles, grant.roles);
    EXPECT_EQ(verdict.principal->scopes, grant.scopes);
    EXPECT_EQ(verdict.principal->client_id, "app");
    EXPECT_EQ(verdict.principal->token_id, token.id);
    EXPECT_EQ(verdict.principal->issued_at, now);  // to the millisecond
    EXPECT_EQ(check(token.text, token.expires - milliseconds(1)).reason, "");
    EXPECT_EQ(check(token.text, token.expires).reason, "jwt.expired");
}

TEST_F(TokenIssuerTest, ATokenForSomebodyElseIsNotForUs) {
    grant.audience = {"https://other.example"};
    EXPECT_EQ(check(issuer.issue(grant, now).text, now).reason, "jwt.audience");
}

TEST_F(TokenIssuerTest, SomebodyWhoActsForAnotherIsDelegated) {
    grant.actor = R"({"sub":"agent-7"})";
    EXPECT_EQ(check(issuer.issue(grant, now).text, now).principal->type,
              access::PrincipalType::delegated);
}

TEST_F(TokenIssuerTest, AnAgentsTokenIsAnAgentsAndEndsWithItsFamilyOrWithIt) {
    grant.agent = true;
    grant.origins = {"family-1"};
    const auto token = issuer.issue(grant, now);
    const auto principal = check(token.text, now).principal;
    ASSERT_TRUE(principal);
    EXPECT_EQ(principal->type, access::PrincipalType::agent);
    EXPECT_EQ(principal->origins, grant.origins);
    EXPECT_EQ(principal_of(grant, token, issuer.name(), now)->type, access::PrincipalType::agent);
    grant.origins = {"family-2"};
    const auto other = issuer.issue(grant, now);
    revocations.add({{RevocationKind::token, "family-1", next_millisecond(now), token.expires}},
                    now);
    EXPECT_EQ(check(token.text, now).reason, "token.revoked");
    EXPECT_TRUE(check(other.text, now).principal);
    revocations.add(
        {{RevocationKind::subject, grant.subject, next_millisecond(now), token.expires}}, now);
    EXPECT_EQ(check(other.text, now).reason, "token.revoked");
}

TEST_F(TokenIssuerTest, AnotherIssuersWordForAnAgentIsItsConfigurations) {
    grant.agent = true;
    auto foreign = issuer.trusted();
    foreign.policy.issuer = foreign.policy.audience[0] = "https://idp.example";
    trust.publish(Trust::make({issuer.trusted(), foreign}, nullptr, issuer.name()).value());
    const TokenIssuer other("https://idp.example", issuer.keys());
    EXPECT_EQ(check(other.issue(grant, now).text, now).principal->type,
              access::PrincipalType::user);
}

TEST_F(TokenIssuerTest, RevokingEndsWhatWasIssuedAndNotWhatComes) {
    struct Case {
        RevocationKind kind;
        std::string value;
    };
    const Case cases[] = {{RevocationKind::subject, grant.subject},
                          {RevocationKind::client, "app"}};
    auto at = now;
    for (const auto& c : cases) {
        at += hours(1);
        const auto before = issuer.issue(grant, at);
        ASSERT_TRUE(check(before.text, at).principal);
        const Revocation revocation{c.kind, c.value, next_millisecond(at), at + hours(24)};
        revocations.add({revocation}, at);
        EXPECT_EQ(check(before.text, at).reason, "token.revoked");  // although it is remembered
        const auto after = issuer.issue(grant, at + milliseconds(1));
        EXPECT_TRUE(check(after.text, at + milliseconds(1)).principal);
    }
}

TEST_F(TokenIssuerTest, RevokingOneTokenLeavesTheOthers) {
    const auto one = issuer.issue(grant, now);
    const auto other = issuer.issue(grant, now);
    revocations.add({{RevocationKind::token, one.id, next_millisecond(now), one.expires}}, now);
    EXPECT_EQ(check(one.text, now).reason, "token.revoked");
    EXPECT_TRUE(check(other.text, now).principal);
    revocations.add({}, one.expires);
    EXPECT_TRUE(revocations.current()->empty());  // it has expired: nobody needs to remember
}

TEST_F(TokenIssuerTest, TokensOfOthersAreNotOursToRevoke) {
    auto foreign = issuer.trusted();
    foreign.policy.issuer = foreign.policy.audience[0] = "https://idp.example";
    trust.publish(Trust::make({issuer.trusted(), foreign}, nullptr, issuer.name()).value());
    const TokenIssuer other("https://idp.example", issuer.keys());
    const auto token = other.issue(grant, now);
    revocations.add({{RevocationKind::subject, grant.subject, now + hours(1), now + hours(2)}},
                    now);
    EXPECT_TRUE(check(token.text, now).principal);
}

/// A client with a key of its own, and the door that its tokens are shown at.
class BoundTokenTest : public TokenIssuerTest {
 protected:
    std::string thumbprint() const {
        const auto parts = key.public_key().components();
        codec::Jwk jwk{.type = codec::Jwk::Type::ec, .curve = "P-256", .x = parts.x, .y = parts.y};
        return codec::encode_base64url(
            crypto::text_of(crypto::sha256(codec::thumbprint_input(jwk))));
    }
    std::string proof(std::string_view token, std::string_view id) const {
        const auto hash = codec::encode_base64url(crypto::text_of(crypto::sha256(token)));
        return testing::signed_by(
            key, crypto::SignatureAlgorithm::es256,
            R"({"typ":"dpop+jwt","alg":"ES256","jwk":)" + testing::jwk_of(key.public_key()) + "}",
            R"({"jti":")" + std::string(id) +
                R"(","htm":"GET","htu":"https://gate.example/x","iat":1700000000,"ath":")" + hash +
                R"("})");
    }
    access::Verdict show(std::string_view scheme, const std::string& token, std::string_view proof,
                         const access::ClientCertificate* certificate = nullptr) {
        const auto value = std::string(scheme) + " " + token;
        access::Credentials given{.authorization = value,
                                  .certificate = certificate,
                                  .has_authorization = true,
                                  .dpop_fields = static_cast<std::uint8_t>(proof.empty() ? 0 : 1),
                                  .dpop = proof,
                                  .method = "GET",
                                  .scheme = "https",
                                  .authority = "gate.example",
                                  .path = "/x"};
        return bound_door.authenticate(given, now);
    }
    std::string issue(std::string confirmation) {
        grant.confirmation = std::move(confirmation);
        return issuer.issue(grant, now).text;
    }

    const crypto::PrivateKey key = crypto::PrivateKey::generate(crypto::KeyKind::ec_p256);
    DpopReplays replays;
    TokenAuthenticator bound_door{trust, &revocations, nullptr, &replays};
};

TEST_F(BoundTokenTest, ATokenOfAKeyWantsItsProofEachTimeAnew) {
    using access::Challenge;
    const auto token = issue(R"({"jkt":")" + thumbprint() + R"("})");
    const auto first = proof(token, "1");
    EXPECT_EQ(show("DPoP", token, first).reason, "");
    EXPECT_TRUE(show("dpop", token, proof(token, "2")).principal);
    const auto again = show("DPoP", token, first);  // the token is remembered, its proof is not new
    EXPECT_EQ(again.reason, "dpop.replayed");
    EXPECT_EQ(again.challenge, Challenge::dpop_proof);
    EXPECT_FALSE(again.principal);

    const auto bearer = show("Bearer", token, "");
    EXPECT_EQ(bearer.reason, "token.bound");
    EXPECT_EQ(bearer.challenge, Challenge::bearer);
    EXPECT_EQ(show("Bearer", token, proof(token, "3")).reason, "token.bound");
    EXPECT_EQ(show("DPoP", token, "").reason, "dpop.missing");
    EXPECT_EQ(show("DPoP", token, proof("another.token", "4")).reason, "dpop.token");
    EXPECT_EQ(show("DPoP", token, "x").challenge, Challenge::dpop_proof);
    EXPECT_EQ(show("DPoP", token, proof(token, "3")).reason, "");  // was never taken
}

TEST_F(BoundTokenTest, ATokenOfNoKeyOrOfAnotherIsNotHelpedByAProof) {
    using access::Challenge;
    const auto unbound = issue("");
    EXPECT_TRUE(show("Bearer", unbound, proof(unbound, "1")).principal);
    const auto verdict = show("DPoP", unbound, proof(unbound, "2"));
    EXPECT_EQ(verdict.reason, "token.unbound");
    EXPECT_EQ(verdict.challenge, Challenge::dpop_token);

    const auto other = issue(R"({"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})");
    EXPECT_EQ(show("DPoP", other, proof(other, "3")).reason, "dpop.other_key");

    const auto broken = show("DPoP", "no.to.ken", proof("no.to.ken", "4"));
    EXPECT_EQ(broken.challenge, Challenge::dpop_token);
    EXPECT_EQ(broken.refusal, access::Refusal::token);

    const auto revoked = issue(R"({"jkt":")" + thumbprint() + R"("})");
    ASSERT_TRUE(show("DPoP", revoked, proof(revoked, "5")).principal);
    revocations.add(
        {{RevocationKind::subject, grant.subject, next_millisecond(now), now + hours(1)}}, now);
    EXPECT_EQ(show("DPoP", revoked, proof(revoked, "6")).reason, "token.revoked");
}

TEST_F(BoundTokenTest, ATokenOfACertificateWantsItsConnection) {
    // SHA-256 of nothing, as the claim and as the connection have it.
    const auto token = issue(R"({"x5t#S256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"})");
    const access::ClientCertificate mine{
        .subject = "a",
        .fingerprint = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .serial = "1"};
    auto others = mine;
    others.fingerprint.front() = 'f';
    EXPECT_TRUE(show("Bearer", token, "", &mine).principal);
    EXPECT_EQ(show("Bearer", token, "", &others).reason, "token.certificate");
    EXPECT_EQ(show("Bearer", token, "").reason, "token.certificate");

    const auto both = issue(R"({"jkt":")" + thumbprint() +
                            R"(","x5t#S256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"})");
    EXPECT_TRUE(show("DPoP", both, proof(both, "1"), &mine).principal);
    EXPECT_EQ(show("DPoP", both, proof(both, "2")).reason, "token.certificate");
    EXPECT_EQ(show("Bearer", both, "", &mine).reason, "token.bound");
}

TEST_F(BoundTokenTest, WhatWeCannotCheckIsNoBearerToken) {
    for (const std::string_view claim :
         {R"({})", R"({"kid":"x"})", R"("jkt")", R"({"jkt":"short"})", R"({"jkt":5})",
          R"({"x5t#S256":"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFX"})"}) {
        const auto token = issue(std::string(claim));
        EXPECT_EQ(show("Bearer", token, "").reason, "jwt.confirmation") << claim;
    }
}

TEST(RevocationRepository, OutlivesARestartUntilNobodyNeedsIt) {
    storage::TestFolder folder;
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, milliseconds(1'000));
    auto database = storage::open_sqlite(folder.path / "test.db", {}, observer).value();
    ASSERT_TRUE(
        storage::run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
    RevocationRepository repository(*database);
    const Revocation ann{RevocationKind::subject, "ann", next_millisecond(now), now + hours(1)};
    ASSERT_TRUE(storage::run_to_end(repository.add(ann, now)));
    const auto found = storage::run_to_end(repository.list(now, now));
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().kind, RevocationKind::subject);
    EXPECT_EQ(found->front().value, "ann");
    EXPECT_EQ(found->front().issued_before, ann.issued_before);
    EXPECT_EQ(storage::run_to_end(repository.list(now + seconds(1), now))->size(), 0U);
    EXPECT_EQ(storage::run_to_end(repository.clean(now)), 0U);
    EXPECT_EQ(storage::run_to_end(repository.clean(now + hours(1))), 1U);
}

}  // namespace
}  // namespace gh::identity
