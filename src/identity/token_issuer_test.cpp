#include "identity/token_issuer.hpp"

#include "identity/revocations.hpp"
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

class TokenIssuerTest : public testing::Test {
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
