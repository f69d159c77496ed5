#include <set>

#include "identity/revocations.hpp"
#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using std::chrono::hours;
using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

// Three in a row share their time of creation, so that pages end between them.
constexpr storage::Statement insert_many{
    .name = "t.revocations",
    .sql =
        "INSERT INTO revocations (id, kind, value, issued_before, expires_at, created_at) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) "
        "SELECT 'id' || i, 'token', 't' || i, $2, $3, $2 + i / 3 FROM n",
    .postgres =
        "INSERT INTO revocations (id, kind, value, issued_before, expires_at, created_at) "
        "SELECT 'id' || i, 'token', 't' || i, $2::bigint, $3::bigint, $2::bigint + i / 3 "
        "FROM generate_series(1, $1::bigint) AS i"};

class RevocationRepositoryTest : public storage::EngineTest {};
INSTANTIATE_TEST_SUITE_P(Engines, RevocationRepositoryTest, storage::both_engines,
                         storage::engine_name);

TEST_P(RevocationRepositoryTest, ListsMoreThanFitIntoOneAnswerEachOnce) {
    constexpr auto count = storage::Session::rows_max + 1;
    ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
    ASSERT_TRUE(run_to_end(database->query(insert_many, count, now, now + hours(1))));
    RevocationRepository repository(*database);
    const auto all = run_to_end(repository.list({}, now));
    ASSERT_TRUE(all) << describe(all.error());
    std::set<std::string> values;
    for (const auto& each : *all) values.insert(each.value);
    EXPECT_EQ(all->size(), count);
    EXPECT_EQ(values.size(), count);
    const auto last = now + std::chrono::microseconds(count / 3);
    EXPECT_EQ(run_to_end(repository.list(last, now))->size(), count % 3 + 1);
    EXPECT_EQ(run_to_end(repository.list({}, now + hours(1)))->size(), 0U);
}

}  // namespace
}  // namespace gh::identity
