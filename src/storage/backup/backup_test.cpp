#include "storage/backup/backup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "storage/backup/table.hpp"
#include "storage/testing.hpp"

namespace gh::storage::backup {
namespace {

constexpr Statement add_user{
    .name = "test.user",
    .sql =
        "INSERT INTO users (id, name, name_folded, password_change_required, "
        "created_at, updated_at) VALUES ($1, $2, $2, $3, $4, $4)"};
constexpr Statement give_role{.name = "test.role",
                              .sql = "INSERT INTO user_roles (user_id, role) VALUES ($1, $2)"};
constexpr Statement add_key{
    .name = "test.key",
    .sql =
        "INSERT INTO api_keys (id, hash, name, owner, subject, kind, created_at, updated_at) "
        "VALUES ($1, $2, $1, '', '', 'api_key', 0, 0)"};
constexpr Statement rename_role{.name = "test.rename",
                                .sql = "UPDATE roles SET permissions = '[\"a\"]' WHERE name = $1"};
constexpr Statement all_users{.name = "test.users", .sql = "SELECT name FROM users ORDER BY id"};

SystemTime now() { return std::chrono::system_clock::now(); }
std::span<const Migration> all_steps() { return embedded_migrations(); }
void silent(std::uint64_t /*rows*/) {}

/// As many users as asked for, each with a role, and a few keys.
Result<void> fill(Database& database, std::int64_t users) {
    auto work = [users](Session& session) -> Task<Result<void>> {
        std::vector<Parameters> people, roles;
        for (std::int64_t i = 0; i < users; ++i) {
            const auto id = std::string(1, static_cast<char>('A' + i % 50)) + std::to_string(i);
            people.push_back({id, "user \xc3\xa4 " + id, i % 2 == 0, i});
            roles.push_back({id, std::string("user")});
        }
        GH_CO_TRY_VOID(co_await session.execute_many(add_user, std::move(people)));
        GH_CO_TRY_VOID(co_await session.execute_many(give_role, std::move(roles)));
        Blob hash{std::string(32, '\xfe')};
        GH_CO_TRY_VOID(co_await session.execute(add_key, "k1", hash));
        GH_CO_TRY_VOID(co_await session.execute(rename_role, "guest"));
        co_return Result<void>{};
    };
    return run_to_end(database.write(std::move(work)));
}

class BackupTest : public EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped() || !database) return;
        const auto migrated = run_to_end(migrate(*database, all_steps(), now()));
        ASSERT_TRUE(migrated) << describe(migrated.error());
    }

    Result<Manifest> write_to(const std::filesystem::path& path,
                              std::span<const Migration> steps = embedded_migrations()) {
        auto sink = Sink::create(path, nullptr);
        if (!sink) return std::unexpected(sink.error());
        Manifest manifest;
        GH_TRY_VOID(sink->line(line_of(header_of(steps, *database, "1", now()))));
        const File key{"keys/ca-root", "secret"};
        manifest.add(key);
        GH_TRY_VOID(sink->line(line_of(key)));
        GH_TRY_VOID(run_to_end(write_rows(*database, steps, *sink, manifest, silent)));
        GH_TRY_VOID(sink->line(end_line(manifest, sink->sha256())));
        GH_TRY_VOID(sink->finish());
        return manifest;
    }
    Result<Contents> read(const std::filesystem::path& path,
                          std::span<const Migration> known = embedded_migrations()) {
        taken.clear();
        auto source = Source::open(path, nullptr);
        if (!source) return std::unexpected(source.error());
        const auto take = [this](const File& each) -> Result<void> {
            taken[each.name] = each.content;
            return {};
        };
        return read_backup(*source, known, scratch, take, silent);
    }
    /// The same database, for somebody else.
    std::unique_ptr<Database> open_again() {
        const PoolConfig pool{.min = 1, .max = 2};
        if (GetParam() == Dialect::sqlite)
            return *open_sqlite(folder.path / "test.db", pool, observer);
        constexpr Statement name{.name = "test.name", .sql = "SELECT current_database()::text"};
        const auto rows = run_to_end(database->query(name));
        return open_postgres(TestServer::shared()->local((*rows)[0].text(0)), pool, observer,
                             nullptr);
    }
    [[nodiscard]] std::string text() const {
        std::ifstream in(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void put(std::string_view as) const { std::ofstream(file, std::ios::binary) << as; }

    std::filesystem::path file = folder.path / "state.backup", scratch = folder.path / "scratch.db";
    std::map<std::string, std::string> taken;
};

/// What only a server needs: an SQLite file is put in its place as it is.
class BackupServerTest : public BackupTest {};

TEST_P(BackupTest, HoldsEveryRowOnce) {
    ASSERT_TRUE(fill(*database, 5'000));
    const auto written = write_to(file);
    ASSERT_TRUE(written) << describe(written.error());
    EXPECT_EQ(written->tables.size(), tables_of(all_steps())->size());
    const auto contents = read(file);
    ASSERT_TRUE(contents) << describe(contents.error());
    EXPECT_EQ(contents->header.engine, database->engine());
    EXPECT_EQ(contents->manifest.rows(), written->rows());
    EXPECT_GE(written->rows(), 10'005U);
    EXPECT_EQ(taken, (std::map<std::string, std::string>{{"keys/ca-root", "secret"}}));
    // And the new file is a database of the house.
    auto opened = open_sqlite(scratch, {}, observer);
    ASSERT_TRUE(opened);
    EXPECT_EQ(run_to_end((*opened)->query(all_users))->size(), 5'000U);
    const auto state = run_to_end(schema_state(**opened, all_steps()));
    ASSERT_TRUE(state);
    EXPECT_TRUE(state->pending.empty());
    EXPECT_FALSE(fill(**opened, 1)) << "constraints are there";
}

TEST_P(BackupTest, IsOfOneMomentWhileOthersWrite) {
    ASSERT_TRUE(fill(*database, 4'000));
    auto sink = Sink::create(file, nullptr);
    ASSERT_TRUE(sink);
    ASSERT_TRUE(sink->line(line_of(header_of(all_steps(), *database, "1", now()))));
    Manifest manifest;
    // Tables go by name, so roles come before users: whoever is added meanwhile must not be there.
    unsigned pages = 0;
    const auto other = open_again();
    const Progress meanwhile = [&](std::uint64_t) {
        if (++pages != 1) return;
        std::jthread([&] {
            EXPECT_TRUE(run_to_end(other->query(add_user, "zz", "latecomer", false, 0)));
        }).join();
    };
    ASSERT_TRUE(run_to_end(write_rows(*database, all_steps(), *sink, manifest, meanwhile)));
    ASSERT_TRUE(sink->line(end_line(manifest, sink->sha256())));
    ASSERT_TRUE(sink->finish());
    const auto contents = read(file);
    ASSERT_TRUE(contents) << describe(contents.error());
    EXPECT_FALSE(text().contains("latecomer"));
    EXPECT_EQ(run_to_end(database->query(all_users))->size(), 4'001U);
}

TEST_P(BackupServerTest, IsPutIntoAServerWhole) {
    ASSERT_TRUE(fill(*database, 3'000));
    const auto before = write_to(file);
    ASSERT_TRUE(before);
    ASSERT_TRUE(read(file));
    ASSERT_TRUE(run_to_end(database->query(add_user, "zz", "to be gone", false, 0)));
    EXPECT_EQ(run_to_end(last_mark(*database)), "");
    const std::string mark = "01234567-89ab-7def-8000-000000000000";
    const auto done = run_to_end(put_rows(*database, all_steps(), scratch, mark, silent));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(run_to_end(last_mark(*database)), mark);
    const auto after = write_to(folder.path / "again.backup");
    ASSERT_TRUE(after);
    EXPECT_EQ(end_line({.files = {}, .tables = before->tables}, ""),
              end_line({.files = {}, .tables = after->tables}, ""));
    // What was loosened holds again.
    const auto dangling = run_to_end(database->query(give_role, "nobody", "user"));
    ASSERT_FALSE(dangling);
    EXPECT_EQ(dangling.error().reason, "storage.foreign_key");
}

TEST_P(BackupServerTest, GoesIntoAnEmptyServerFromAnOlderSchema) {
    auto sqlite = open_sqlite(folder.path / "old.db", {}, observer);
    ASSERT_TRUE(sqlite);
    const auto old_steps = all_steps().first(2);
    ASSERT_TRUE(run_to_end(migrate(**sqlite, old_steps, now())));
    ASSERT_TRUE(fill(**sqlite, 10));
    database.swap(*sqlite);
    ASSERT_TRUE(write_to(file, old_steps));
    database.swap(*sqlite);
    ASSERT_TRUE(read(file));
    const auto fresh =
        open_postgres(TestServer::shared()->local(TestServer::shared()->make_database()),
                      {.min = 1, .max = 2}, observer, nullptr);
    EXPECT_EQ(run_to_end(in_use(*fresh)), false);
    const auto done = run_to_end(put_rows(*fresh, all_steps(), scratch, "a", silent));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(run_to_end(fresh->query(all_users))->size(), 10U);
    EXPECT_EQ(run_to_end(in_use(*fresh)), true);
    EXPECT_TRUE(run_to_end(schema_state(*fresh, all_steps()))->pending.empty());
}

/// The steps of the house and one more: rows that refer to later ones of their own table, that may not go, and that were put
/// there by the step itself.
std::vector<Migration> steps_with_stubborn_rows() {
    std::vector<Migration> steps(all_steps().begin(), all_steps().end());
    steps.push_back(
        {.number = static_cast<std::uint32_t>(steps.size() + 1),
         .name = "stubborn",
         .sqlite =
             "CREATE TABLE stubborn (id INTEGER PRIMARY KEY, next INTEGER REFERENCES stubborn "
             "(id)) "
             "STRICT; INSERT INTO stubborn VALUES (7, NULL);"
             "CREATE TRIGGER stays BEFORE DELETE ON stubborn BEGIN SELECT RAISE(ABORT, 'no'); END;"
             "CREATE TRIGGER only_odd BEFORE INSERT ON stubborn WHEN NEW.id % 2 = 0 "
             "BEGIN SELECT RAISE(ABORT, 'no'); END;",
         .postgres =
             "CREATE TABLE stubborn (id BIGINT PRIMARY KEY, next BIGINT REFERENCES stubborn (id));"
             "INSERT INTO stubborn VALUES (7, NULL);"
             "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
             "'no' "
             "USING ERRCODE = 'check_violation'; END $$;"
             "CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON stubborn FOR EACH STATEMENT "
             "EXECUTE "
             "FUNCTION no();"
             "CREATE TRIGGER only_odd BEFORE INSERT ON stubborn FOR EACH ROW WHEN (NEW.id % 2 = 0) "
             "EXECUTE FUNCTION no();"});
    return steps;
}

TEST_P(BackupTest, StubbornRowsComeAsTheyWere) {
    constexpr Statement add{.name = "test.add", .sql = "INSERT INTO stubborn VALUES ($1, $2)"};
    constexpr Statement turn{.name = "test.turn",
                             .sql = "UPDATE stubborn SET next = 9 WHERE id = 1"};
    constexpr Statement remove{.name = "test.remove", .sql = "DELETE FROM stubborn"};
    const auto steps = steps_with_stubborn_rows();
    ASSERT_TRUE(run_to_end(migrate(*database, steps, now())));
    ASSERT_TRUE(run_to_end(database->query(add, 1, nullptr)));
    ASSERT_TRUE(run_to_end(database->query(add, 9, 7)));
    ASSERT_TRUE(run_to_end(database->query(turn)));
    const auto before = write_to(file, steps);
    ASSERT_TRUE(before) << describe(before.error());
    const auto contents = read(file, steps);
    ASSERT_TRUE(contents) << describe(contents.error());
    auto target =
        GetParam() == Dialect::postgres ? open_again() : *open_sqlite(scratch, {}, observer);
    if (GetParam() == Dialect::postgres) {
        ASSERT_TRUE(run_to_end(database->query(add, 11, nullptr)));
        const auto done = run_to_end(put_rows(*target, steps, scratch, "b", silent));
        ASSERT_TRUE(done) << describe(done.error());
    }
    database.swap(target);
    const auto after = write_to(folder.path / "again.backup", steps);
    ASSERT_TRUE(after);
    EXPECT_EQ(end_line({.files = {}, .tables = before->tables}, ""),
              end_line({.files = {}, .tables = after->tables}, ""));
    EXPECT_FALSE(run_to_end(database->query(remove))) << "the triggers are there again";
    EXPECT_FALSE(run_to_end(database->query(add, 12, nullptr)));
    EXPECT_FALSE(run_to_end(database->query(add, 13, 99))) << "and the references";
}

TEST_P(BackupTest, ThatWasChangedAnywhereIsRefused) {
    ASSERT_TRUE(fill(*database, 3));
    ASSERT_TRUE(write_to(file));
    const auto whole = text();
    for (std::size_t at = 0; at < whole.size(); at += 41) {
        auto changed = whole;
        changed[at] ^= 1;
        put(changed);
        EXPECT_FALSE(read(file)) << "octet " << at;
        EXPECT_FALSE(std::filesystem::exists(scratch));
    }
    for (std::size_t size = 0; size < whole.size(); size += 211) {
        put(whole.substr(0, size));
        EXPECT_FALSE(read(file)) << "the first " << size;
    }
    put(whole + "\n");
    EXPECT_FALSE(read(file));
    put(whole);
    EXPECT_TRUE(read(file));
}

TEST_P(BackupTest, OfASchemaThatIsNotOursIsRefused) {
    ASSERT_TRUE(fill(*database, 3));
    ASSERT_TRUE(write_to(file));
    const auto newer = read(file, all_steps().first(1));
    ASSERT_FALSE(newer);
    EXPECT_EQ(newer.error().reason, "backup.newer");
    std::vector<Migration> others(all_steps().begin(), all_steps().end());
    others[1].sqlite = "SELECT 1";
    const auto changed = read(file, others);
    ASSERT_FALSE(changed);
    EXPECT_EQ(changed.error().reason, "backup.changed");
}

// What a row is on one engine it must be on the other: tables, columns, and no column that fills itself.
TEST_P(BackupServerTest, BothEnginesHaveTheSameTables) {
    constexpr Statement columns{
        .name = "test.columns",
        .sql =
            "SELECT c.table_name::text, c.column_name::text, c.data_type::text, "
            "coalesce(c.column_default, '')::text, c.is_identity = 'YES' OR c.is_generated <> "
            "'NEVER' "
            "FROM information_schema.columns c JOIN information_schema.tables t "
            "USING (table_schema, table_name) WHERE c.table_schema = current_schema() "
            "AND t.table_type = 'BASE TABLE' AND c.table_name <> 'schema_migrations' "
            "ORDER BY c.table_name COLLATE \"C\", c.ordinal_position"};
    const auto rows = run_to_end(database->query(columns));
    ASSERT_TRUE(rows);
    std::vector<TableStart> theirs, ours;
    for (std::size_t i = 0; i < rows->size(); ++i) {
        const auto row = (*rows)[i];
        if (theirs.empty() || theirs.back().name != row.text(0))
            theirs.push_back({row.text(0), {}});
        theirs.back().columns.push_back(row.text(1));
        const std::string type = row.text(2);
        constexpr std::string_view known[] = {"text",  "bigint",           "integer", "smallint",
                                              "bytea", "double precision", "boolean", "jsonb"};
        EXPECT_NE(std::ranges::find(known, type), std::end(known)) << row.text(0) << ' ' << type;
        EXPECT_FALSE(row.text(3).contains("nextval") || row.boolean(4)) << row.text(0);
    }
    const auto tables = tables_of(all_steps());
    ASSERT_TRUE(tables) << describe(tables.error());
    for (const auto& table : *tables) ours.push_back({table.name, table.columns});
    EXPECT_EQ(theirs, ours);
}

INSTANTIATE_TEST_SUITE_P(Engines, BackupTest, both_engines, engine_name);
INSTANTIATE_TEST_SUITE_P(Engines, BackupServerTest, testing::Values(Dialect::postgres),
                         engine_name);

}  // namespace
}  // namespace gh::storage::backup
