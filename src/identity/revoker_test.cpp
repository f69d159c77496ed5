#include "identity/revoker.hpp"

#include "identity/key_repository.hpp"
#include "identity/user_repository.hpp"
#include "storage/testing.hpp"
#include "telemetry/log.hpp"

namespace gh::identity {
namespace {

using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

constexpr storage::Statement count_revocations{.name = "t.revocations",
                                               .sql =
                                                   "SELECT kind, value FROM revocations "
                                                   "ORDER BY created_at, id"};

constexpr storage::Statement list_told{
    .name = "t.told", .sql = "SELECT record FROM audit_records ORDER BY leaf_index"};

class RevokerTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        sometimes.emplace(*database);
        users.emplace(*database);
        keys.emplace(*database, std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32)));
        NewUser ada;
        ada.name = "Ada";
        ada.roles = {"user"};
        user = run_to_end(users->create(std::move(ada), now - seconds(60))).value();
        NewKey wanted;
        wanted.name = "nightly";
        wanted.owner = "Ada";
        key = run_to_end(keys->create(std::move(wanted), now - seconds(60))).value().key;
        start();
    }
    /// As a new process does.
    void start() {
        revoker.reset();
        fallback.reset();
        source = std::make_unique<RevocationSource>();
        auto journal = storage::Journal::open(folder.path / "fallback_db", {});
        ASSERT_TRUE(journal);
        fallback.emplace(*sometimes, *std::move(journal), registry, log);
        revoker.emplace(*fallback, *source);
        ASSERT_TRUE(revoker->recall(now));
    }
    std::string_view end(RevocationKind kind, std::string value) {
        audit::Record record;
        record.time = now;
        record.action = "test.end";
        record.object_id = value;
        const auto done = run_to_end(revoker->end(kind, std::move(value), now, record));
        return done ? "" : done.error().reason;
    }
    [[nodiscard]] access::Principal token(std::string subject, std::string id = "t") const {
        access::Principal principal;
        principal.subject = std::move(subject);
        principal.token_id = std::move(id);
        principal.issued_at = now;
        principal.revoked_by = access::RevokedBy::token_list;
        return principal;
    }
    [[nodiscard]] access::Principal bearer_of_key() const {
        auto principal = token(key.subject, key.id);
        principal.revoked_by = access::RevokedBy::key_list;
        return principal;
    }
    [[nodiscard]] std::string recorded() const {
        const auto rows = run_to_end(database->query(count_revocations)).value();
        std::string all;
        for (std::size_t i = 0; i < rows.size(); ++i)
            all += rows[i].text(0) + ":" + rows[i].text(1) + " ";
        return all;
    }

    /// What the audit log says was ended, in order.
    [[nodiscard]] std::string told() const {
        const auto rows = run_to_end(database->query(list_told)).value();
        std::string all;
        for (std::size_t i = 0; i < rows.size(); ++i)
            all += audit::parse_record(rows[i].text(0)).value().object_id + " ";
        return all;
    }

    telemetry::NoLog sink;
    telemetry::Log log{sink, telemetry::LogLevel::info};
    std::optional<storage::Sometimes> sometimes;
    std::optional<UserRepository> users;
    std::optional<KeyRepository> keys;
    User user;
    StoredKey key;
    std::unique_ptr<RevocationSource> source;
    std::optional<storage::Fallback> fallback;
    std::optional<Revoker> revoker;
};
INSTANTIATE_TEST_SUITE_P(Engines, RevokerTest, storage::both_engines, storage::engine_name);

TEST_P(RevokerTest, EndsTokensKeysAndUsersHereAndInTheDatabase) {
    EXPECT_EQ(end(RevocationKind::token, "t1"), "");
    EXPECT_EQ(end(RevocationKind::subject, "ADA"), "");
    EXPECT_EQ(end(RevocationKind::key, key.id), "");
    EXPECT_FALSE(revoker->waits());
    EXPECT_EQ(recorded(), "token:t1 subject:Ada key:" + key.id + " ");
    EXPECT_EQ(told(), "t1 ADA " + key.id + " ");
    EXPECT_EQ(run_to_end(users->find(user.id))->tokens_valid_from, next_millisecond(now));
    EXPECT_TRUE(run_to_end(keys->find(key.id))->revoked_at);
    EXPECT_TRUE(source->covers(token("kim", "t1")));
    EXPECT_TRUE(source->covers(token("Ada")));
    EXPECT_TRUE(source->covers(bearer_of_key()));
    EXPECT_FALSE(source->covers(token("kim")));
}

TEST_P(RevokerTest, SaysWhoIsUnknownWhileTheDatabaseCanTell) {
    EXPECT_EQ(end(RevocationKind::subject, "nobody"), "user.unknown");
    EXPECT_EQ(end(RevocationKind::key, "nothing"), "key.unknown");
    EXPECT_EQ(recorded(), "");
}

TEST_P(RevokerTest, WithoutTheDatabaseItBindsAtOnceAndArrivesOnceAndInOrder) {
    sometimes->away = true;
    EXPECT_EQ(end(RevocationKind::subject, "ada"), "");
    EXPECT_EQ(end(RevocationKind::key, key.id), "");
    EXPECT_EQ(end(RevocationKind::token, "t1"), "");
    EXPECT_TRUE(revoker->waits());
    EXPECT_TRUE(source->covers(token("Ada")));
    EXPECT_TRUE(source->covers(bearer_of_key()));
    EXPECT_EQ(recorded(), "");

    start();  // killed in between
    EXPECT_TRUE(revoker->waits());
    EXPECT_FALSE(source->known());
    EXPECT_TRUE(source->covers(token("Ada")));
    EXPECT_TRUE(source->covers(token("kim", "t1")));
    EXPECT_TRUE(source->covers(bearer_of_key()));
    EXPECT_FALSE(source->covers(token("kim")));

    sometimes->away = false;
    sometimes->loses_answer = true;  // and killed again, before it heard of the commit
    EXPECT_EQ(run_to_end(fallback->replay(now)).value(), 0U);
    start();
    EXPECT_EQ(run_to_end(fallback->replay(now)).value(), 3U);
    EXPECT_FALSE(revoker->waits());
    EXPECT_EQ(recorded(), "subject:Ada key:" + key.id + " token:t1 ");
    EXPECT_EQ(told(), "ada " + key.id + " t1 ");
    EXPECT_EQ(run_to_end(users->find(user.id))->tokens_valid_from, next_millisecond(now));
    EXPECT_EQ(run_to_end(keys->find(key.id))->revoked_at, now);
}

TEST_P(RevokerTest, ATokenMadeAfterwardsIsGoodAlsoWhenTheRecordArrivesLate) {
    sometimes->away = true;
    EXPECT_EQ(end(RevocationKind::subject, "ada"), "");
    auto later = token("Ada");
    later.issued_at = now + seconds(1);
    EXPECT_FALSE(source->covers(later));
    sometimes->away = false;
    EXPECT_EQ(run_to_end(fallback->replay(now + seconds(60))).value(), 1U);
    RevocationSource elsewhere;
    elsewhere.learn(run_to_end(RevocationRepository(*database).list({}, now)).value(), now);
    EXPECT_TRUE(elsewhere.covers(token("Ada")));
    EXPECT_FALSE(elsewhere.covers(later));
}

}  // namespace
}  // namespace gh::identity
