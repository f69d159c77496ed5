#include "storage/migration.hpp"

#include <array>

#include "storage/testing.hpp"

namespace gh::storage {
namespace {

constexpr std::array steps{
    Migration{1, "first", "CREATE TABLE a (x INTEGER) STRICT; CREATE TABLE b (x INTEGER) STRICT",
              ""},
    Migration{2, "second", "ALTER TABLE a ADD COLUMN y TEXT", ""},
};
const SystemTime now{std::chrono::seconds(1'700'000'000)};

class MigrationTest : public testing::Test {
 protected:
    void SetUp() override {
        auto opened = open_sqlite(folder.path / "test.db", {}, observer);
        ASSERT_TRUE(opened);
        database = *std::move(opened);
    }
    TestFolder folder;
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<Database> database;
};

TEST_F(MigrationTest, AppliesWhatIsPendingAndNothingTwice) {
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

TEST_F(MigrationTest, SaysWhatIsPendingBeforeAnythingIsThere) {
    const auto state = run_to_end(schema_state(*database, steps));
    ASSERT_TRUE(state) << describe(state.error());
    EXPECT_EQ(state->pending.size(), 2U);
}

TEST_F(MigrationTest, RefusesADatabaseThatIsAheadOfIt) {
    ASSERT_TRUE(run_to_end(migrate(*database, steps, now)));
    const auto done = run_to_end(migrate(*database, std::span(steps).first(1), now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "migration.newer");
}

TEST_F(MigrationTest, RefusesAStepWhoseTextHasChanged) {
    ASSERT_TRUE(run_to_end(migrate(*database, steps, now)));
    auto changed = steps;
    changed[0].sqlite = "CREATE TABLE a (x TEXT) STRICT";
    const auto done = run_to_end(migrate(*database, changed, now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "migration.changed");
}

TEST_F(MigrationTest, AllOrNone) {
    const std::array broken{
        steps[0], Migration{2, "broken", "CREATE TABLE c (x INTEGER) STRICT; NONSENSE", ""}};
    const auto done = run_to_end(migrate(*database, broken, now));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "storage.statement");
    EXPECT_NE(done.error().detail.find("step 2 (broken)"), std::string::npos)
        << done.error().detail;
    EXPECT_EQ(run_to_end(migrate(*database, steps, now)), 2U);
}

TEST_F(MigrationTest, TheEmbeddedOnesRun) {
    const auto done = run_to_end(migrate(*database, embedded_migrations(), now));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(*done, embedded_migrations().size());
}

}  // namespace
}  // namespace gh::storage
