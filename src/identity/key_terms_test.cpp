#include "identity/key_terms.hpp"

#include "base/try.hpp"
#include "identity/revocations.hpp"
#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using std::chrono::hours;
using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

class KeyTermsTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        keys.emplace(*database, hasher);
        termed.emplace(*database, *keys);
    }
    MadeKey make(KeyTerms terms, std::optional<std::string> parent = {}) {
        NewKey key{.name = "token", .owner = "ann", .subject = "ann", .roles = {"user"}};
        key.parent = std::move(parent);
        return run_to_end(termed->create(std::move(key), std::move(terms), now)).value();
    }
    static KeyTerms terms(seconds ttl) {
        KeyTerms made;
        made.ttl = ttl;
        return made;
    }
    std::string_view recognise(std::string_view text, SystemTime when = now) {
        const auto found = run_to_end(keys->recognise(text, when));
        return found ? "" : found.error().reason;
    }

    std::shared_ptr<const ApiKeyHasher> hasher =
        std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    std::optional<KeyRepository> keys;
    std::optional<KeyTermsRepository> termed;
};
INSTANTIATE_TEST_SUITE_P(Engines, KeyTermsTest, storage::both_engines, storage::engine_name);

TEST_P(KeyTermsTest, AKeyLastsFromItsRenewalOn) {
    const auto made = make(terms(hours(1)));
    EXPECT_EQ(made.key.expires_at, now + hours(1));
    EXPECT_EQ(recognise(made.text, now + hours(1)), "key.expired");
    const auto renewed = run_to_end(termed->renew(made.key.id, {}, now + seconds(60))).value();
    EXPECT_EQ(renewed.key.expires_at, now + hours(1) + seconds(60));
    EXPECT_EQ(renewed.terms->renewed_at, now + seconds(60));
    EXPECT_EQ(recognise(made.text, now + hours(1)), "");
    const auto wished = run_to_end(termed->renew(made.key.id, seconds(5), now + seconds(60)));
    EXPECT_EQ(wished->key.expires_at, now + seconds(65)) << "shorter is a wish like any other";
    const auto late = run_to_end(termed->renew(made.key.id, {}, now + seconds(65)));
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().reason, "key.unknown") << "what is over stays over";
}

TEST_P(KeyTermsTest, NoRenewalGoesBeyondWhatTheTermsAllow) {
    const auto plain = make(terms(hours(24 * 31)));
    const auto old = run_to_end(termed->renew(plain.key.id, {}, now + hours(24 * 20))).value();
    EXPECT_EQ(old.key.expires_at, now + key_age_max);

    auto bounded = terms(hours(1));
    bounded.max_ttl = hours(2);
    const auto short_lived = make(bounded);
    const auto renewed =
        run_to_end(termed->renew(short_lived.key.id, hours(9), now + seconds(1))).value();
    EXPECT_EQ(renewed.key.expires_at, now + hours(2));

    auto again = terms(hours(1));
    again.period = hours(24 * 30);
    const auto periodic = make(again);
    EXPECT_EQ(periodic.key.expires_at, now + hours(24 * 30));
    const auto later = now + hours(24 * 29);
    EXPECT_EQ(run_to_end(termed->renew(periodic.key.id, hours(1), later))->key.expires_at,
              later + hours(24 * 30));

    auto once = terms(hours(1));
    once.renewable = false;
    EXPECT_EQ(run_to_end(termed->renew(make(once).key.id, {}, now)).error().reason,
              "key.not_renewable");
}

TEST_P(KeyTermsTest, WhatAKeyMadeEndsWithIt) {
    const auto parent = make(terms(hours(2)));
    const auto child = make(terms(hours(9)), parent.key.id);
    const auto grandchild = make(terms(hours(9)), child.key.id);
    EXPECT_EQ(recognise(grandchild.text, now + hours(2) - seconds(1)), "");
    EXPECT_EQ(recognise(grandchild.text, now + hours(2)), "key.expired");
    const auto principal = run_to_end(keys->recognise(grandchild.text, now)).value();
    EXPECT_EQ(principal->expires, now + hours(2)) << "workers remember no longer than that";
    EXPECT_EQ(principal->origins.size(), 2U);
    RevocationSource ended;
    ended.learn({{RevocationKind::key, parent.key.id, now + seconds(1), now + hours(24)}}, now);
    EXPECT_TRUE(ended.covers(*principal)) << "also while the database is away";
    EXPECT_EQ(run_to_end(termed->find(grandchild.key.id))->key.expires_at, now + hours(2));

    ASSERT_TRUE(run_to_end(keys->revoke(parent.key.id, now + seconds(1))));
    EXPECT_EQ(recognise(child.text), "key.revoked");
    EXPECT_EQ(recognise(grandchild.text), "key.revoked");
    EXPECT_TRUE(run_to_end(keys->find(grandchild.key.id))->revoked_at);
}

TEST_P(KeyTermsTest, WhatAStolenTextMadeEndsWhenAnotherTakesItsPlace) {
    const auto parent = make(terms(hours(2)));
    const auto child = make(terms(hours(2)), parent.key.id);
    const auto rotated = run_to_end(keys->rotate(parent.key.id, {}, now + seconds(1))).value();
    EXPECT_EQ(recognise(child.text), "key.revoked");
    EXPECT_EQ(recognise(rotated.text), "");
    EXPECT_EQ(recognise(make(terms(hours(1)), parent.key.id).text), "");
}

TEST_P(KeyTermsTest, TheManyThatAreOverAreInNobodysWay) {
    static constexpr storage::Statement insert{
        .name = "t.insert",
        .sql =
            "INSERT INTO api_keys (id, hash, name, owner, subject, kind, roles, scopes, "
            "expires_at, "
            "created_at, updated_at, answers_to, parent) "
            "VALUES ($1, $2, 'k', 'ann', 'ann', 'api_key', '', '', $3, $3, $3, 'ann', $4)"};
    const auto parent = make(terms(hours(2)));
    auto fill = [&parent](storage::Session& session) -> Task<Result<void>> {
        std::vector<storage::Parameters> rows;
        const auto over = storage::to_value(now - seconds(1));
        for (int i = 0; i < 100'001; ++i)
            rows.push_back({"k" + std::to_string(i), storage::Blob{std::string(32, 'h')}, over,
                            parent.key.id});
        GH_CO_TRY_VOID(co_await session.execute_many(insert, std::move(rows)));
        co_return Result<void>{};
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(fill))));
    auto interrupt = [](storage::Session& session) {
        return KeyRepository::interrupt(session, "ann", now);
    };
    EXPECT_TRUE(run_to_end(database->write(std::move(interrupt))));
    EXPECT_TRUE(run_to_end(keys->revoke(parent.key.id, now)));
    EXPECT_EQ(recognise(parent.text), "key.revoked");
}

TEST_P(KeyTermsTest, WhatWasLetGoOutlastsItsMaker) {
    const auto parent = make(terms(hours(2)));
    const auto child = make(terms(hours(9)), parent.key.id);
    ASSERT_TRUE(run_to_end(keys->revoke_alone(parent.key.id, now + seconds(1))));
    EXPECT_EQ(recognise(parent.text), "key.revoked");
    EXPECT_EQ(recognise(child.text, now + hours(3)), "");
}

TEST_P(KeyTermsTest, WhatIsCleanedAwayTakesItsChildrenAlong) {
    const auto parent = make(terms(seconds(1)));
    const auto child = make(terms(hours(9)), parent.key.id);
    EXPECT_EQ(run_to_end(keys->clean(now + hours(1), now + hours(1))), 2U);
    EXPECT_EQ(recognise(child.text), "key.unknown");
    EXPECT_EQ(run_to_end(termed->find(child.key.id)).error().reason, "key.unknown");
}

TEST_P(KeyTermsTest, LinesOfKeysAreBounded) {
    auto last = make(terms(hours(1)));
    for (std::int64_t i = 1; i < key_line_max; ++i) last = make(terms(hours(1)), last.key.id);
    EXPECT_EQ(recognise(last.text), "");
    // The next one would be one too many.
    make(terms(hours(1)), run_to_end(keys->find(last.key.id))->parent);
    NewKey key{.name = "token", .owner = "ann", .roles = {"user"}};
    key.parent = last.key.id;
    EXPECT_EQ(run_to_end(termed->create(key, terms(hours(1)), now)).error().reason, "key.too_deep");
    key.parent = "no such key";
    EXPECT_EQ(run_to_end(termed->create(key, terms(hours(1)), now)).error().reason, "key.unknown");
}

TEST_P(KeyTermsTest, LivingOnesAreListed) {
    const auto first = make(terms(hours(1)));
    const auto second = make(terms(hours(2)));
    EXPECT_EQ(run_to_end(termed->living(now, 10))->size(), 2U);
    EXPECT_EQ(run_to_end(termed->living(now + hours(1), 10)).value(),
              std::vector<std::string>{second.key.id});
    ASSERT_TRUE(run_to_end(keys->revoke(second.key.id, now)));
    EXPECT_TRUE(run_to_end(termed->living(now + hours(1), 10))->empty());
    const auto found = run_to_end(termed->find(first.key.id)).value();
    EXPECT_TRUE(found.terms->renewable);
    EXPECT_EQ(found.terms->ttl, hours(1));
}

}  // namespace
}  // namespace gh::identity
