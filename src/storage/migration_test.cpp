#include "storage/migration.hpp"

#include <array>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "storage/testing.hpp"

namespace gh::storage {
namespace {

constexpr std::array steps{
    Migration{1, "first", "CREATE TABLE a (x INTEGER) STRICT; CREATE TABLE b (x INTEGER) STRICT",
              "CREATE TABLE a (x BIGINT); CREATE TABLE b (x BIGINT)"},
    Migration{2, "second", "ALTER TABLE a ADD COLUMN y TEXT", "ALTER TABLE a ADD COLUMN y TEXT"},
};
const SystemTime now{std::chrono::seconds(1'700'000'000)};

class MigrationTest : public EngineTest {};
INSTANTIATE_TEST_SUITE_P(Engines, MigrationTest, both_engines, engine_name);

TEST_P(MigrationTest, AppliesWhatIsPendingAndNothingTwice) {
    EXPECT_EQ(run_to_end(migrate(*database, std::span(steps).first(1), now)), 1U);
    EXPECT_EQ(run_to_end(migrate(*database, steps, now)), 1U);
    EXPECT_EQ(run_to_end(migrate(*database, steps, now)), 0U);
    const auto state = run_to_end(schema_state(*database, steps));
    ASSERT_TRUE(state);
    ASSERT_EQ(state->applied.size(), 2U);
    EXPECT_EQ(state->applied[1].name, "second");
    EXPECT_EQ(state->applied[1].applied_at, now);
    EXPECT_TRUE(state->pending.empty());
}

TEST_P(MigrationTest, SaysWhatIsPendingBeforeAnythingIsThere) {
    const auto state = run_to_end(schema_state(*database, steps));
    ASSERT_TRUE(state) << describe(state.error());
    EXPECT_EQ(state->pending.size(), 2U);
}

TEST_P(MigrationTest, RefusesADatabaseThatIsAheadOfIt) {
    ASSERT_TRUE(run_to_end(migrate(*database, steps, now)));
    const auto done = run_to_end(migrate(*database, std::span(steps).first(1), now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "migration.newer");
}

TEST_P(MigrationTest, RefusesAStepWhoseTextHasChanged) {
    ASSERT_TRUE(run_to_end(migrate(*database, steps, now)));
    auto changed = steps;
    changed[0].sqlite = changed[0].postgres = "CREATE TABLE a (x TEXT)";
    const auto done = run_to_end(migrate(*database, changed, now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "migration.changed");
}

TEST_P(MigrationTest, AllOrNone) {
    const std::array broken{steps[0],
                            Migration{2, "broken", "CREATE TABLE c (x INTEGER) STRICT; NONSENSE",
                                      "CREATE TABLE c (x BIGINT); NONSENSE"}};
    const auto done = run_to_end(migrate(*database, broken, now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "storage.statement");
    EXPECT_NE(done.error().detail.find("step 2 (broken)"), std::string::npos)
        << done.error().detail;
    EXPECT_EQ(run_to_end(migrate(*database, steps, now)), 2U);
}

TEST_P(MigrationTest, TwoMigratorsAtOnceDoItOnce) {
    net::Loop loop;
    int left = 6;
    std::size_t applied = 0;
    std::vector<std::string> failures;
    auto one = [&]() -> Task<> {
        const auto done = co_await migrate(*database, steps, now);
        if (done) applied += *done;
        if (!done) failures.push_back(describe(done.error()));
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        for (int i = 0; i < 6; ++i) spawn(one());
    });
    loop.run();
    EXPECT_EQ(failures, std::vector<std::string>{});
    EXPECT_EQ(applied, 2U);
}

TEST_P(MigrationTest, AStepMayTakeLongerThanAStatement) {
    constexpr milliseconds most{200};
    open({.min = 1, .max = 2, .statement_timeout = most});
    constexpr std::array slow{Migration{
        1, "slow",
        "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION "
        "ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n",
        "SELECT pg_sleep(0.4)"}};
    const auto began = std::chrono::steady_clock::now();
    const auto done = run_to_end(migrate(*database, slow, now));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_GT(std::chrono::steady_clock::now() - began, most);
}

TEST_P(MigrationTest, SaysThatAnotherMigratesWhereThatTakesTooLong) {
    if (GetParam() == Dialect::sqlite) GTEST_SKIP() << "one writer at a time anyway";
    static constexpr Statement hold{.name = "t.hold", .sql = "SELECT pg_sleep(1.5)"};
    std::promise<void> locked;
    const auto other = another();
    std::jthread holder([&] {
        std::ignore = run_to_end(other->write([&](Session& session) -> Task<Result<void>> {
            GH_CO_TRY_VOID(co_await lock_schema(session));
            locked.set_value();
            GH_CO_TRY_VOID(co_await session.query(hold));
            co_return Result<void>{};
        }));
    });
    locked.get_future().wait();
    open({.min = 1, .max = 2, .statement_timeout = milliseconds(200)});
    const auto done = run_to_end(migrate(*database, steps, now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "migration.locked");
}

TEST_P(MigrationTest, TheEmbeddedOnesRun) {
    const auto done = run_to_end(migrate(*database, embedded_migrations(), now));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(*done, embedded_migrations().size());
}

}  // namespace
}  // namespace gh::storage
