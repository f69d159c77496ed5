#include "storage/sqlite/database.hpp"

#include <sys/stat.h>

#include <fstream>

#include "storage/testing.hpp"

namespace gh::storage {
namespace {

constexpr Statement make{.name = "t.make",
                         .sql =
                             "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
                             "data BLOB, at INTEGER CHECK (at >= 0)) STRICT"};
constexpr Statement insert{.name = "t.insert",
                           .sql = "INSERT INTO t (name, data, at) VALUES ($1, $2, $3)"};
constexpr Statement find{.name = "t.find", .sql = "SELECT name, data, at FROM t WHERE name = $1"};
constexpr Statement count_all{.name = "t.count", .sql = "SELECT count(*) FROM t"};
// The second placeholder first: SQLite numbers them by appearance.
constexpr Statement swapped{.name = "t.swapped", .sql = "SELECT $2, $1, $2"};

class SqliteDatabaseTest : public testing::Test {
 protected:
    void SetUp() override {
        open({});
        ASSERT_TRUE(run_to_end(database->query(make)));
    }
    void open(PoolConfig pool) {
        database.reset();
        auto opened = open_sqlite(folder.path / "test.db", pool, observer);
        ASSERT_TRUE(opened) << describe(opened.error());
        database = *std::move(opened);
    }
    [[nodiscard]] std::int64_t count() {
        const auto rows = run_to_end(database->query(count_all));
        return rows ? (*rows)[0].integer(0) : -1;
    }

    TestFolder folder;
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
    std::unique_ptr<Database> database;
};

TEST_F(SqliteDatabaseTest, KeepsEveryKindOfValue) {
    const SystemTime at{std::chrono::microseconds(1'700'000'000'123'456)};
    const std::string octets("\0\xff\x01", 3);
    ASSERT_TRUE(run_to_end(database->query(insert, "Grüße", Blob{octets}, at)));
    const auto rows = run_to_end(database->query(find, "Grüße"));
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 1U);
    const auto row = (*rows)[0];
    EXPECT_EQ(row.text(0), "Grüße");
    EXPECT_EQ(row.octets(1), octets);
    EXPECT_EQ(row.time(2), at);
    EXPECT_THROW((void)row.text(2), std::logic_error);
}

TEST_F(SqliteDatabaseTest, TakesParametersByTheirNumber) {
    const auto rows = run_to_end(database->query(swapped, "one", "two"));
    ASSERT_TRUE(rows);
    EXPECT_EQ((*rows)[0].text(0), "two");
    EXPECT_EQ((*rows)[0].text(1), "one");
    EXPECT_EQ((*rows)[0].text(2), "two");
    const auto short_of_one = run_to_end(database->query(swapped, "one"));
    ASSERT_FALSE(short_of_one);
    EXPECT_EQ(short_of_one.error().reason, "storage.statement");
}

TEST_F(SqliteDatabaseTest, SaysWhichRuleWasBroken) {
    ASSERT_TRUE(run_to_end(database->query(insert, "a", nullptr, 1)));
    struct Case {
        Value name, at;
        std::string_view reason;
    };
    const Case cases[] = {
        {std::string("a"), std::int64_t{1}, "storage.unique"},
        {nullptr, std::int64_t{1}, "storage.check"},
        {std::string("b"), std::int64_t{-1}, "storage.check"},
        {std::string("b"), std::string("now"), "storage.check"},
        {std::string("nul\0here", 8), std::int64_t{1}, "storage.value"},
        {std::string("\xc3\x28"), std::int64_t{1}, "storage.value"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.reason);
        const auto done = run_to_end(database->query(insert, c.name, nullptr, c.at));
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().reason, c.reason) << done.error().detail;
    }
    EXPECT_EQ(count(), 1);
}

TEST_F(SqliteDatabaseTest, UndoesTheWholeWorkThatFails) {
    auto work = [](Session& session) -> Task<Result<int>> {
        GH_CO_TRY_VOID(co_await session.execute(insert, "first", nullptr, 1));
        GH_CO_TRY_VOID(co_await session.execute(insert, "first", nullptr, 1));
        co_return 7;
    };
    const auto done = run_to_end(database->write(std::move(work)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "storage.unique");
    EXPECT_EQ(count(), 0);
}

TEST_F(SqliteDatabaseTest, NeighboursInAGroupDoNotShareAFailure) {
    // Held back by a first work, the others stand in line and are committed together.
    net::Loop loop;
    int left = 41;
    std::vector<std::string> reasons(40);
    auto one = [&](std::string name, std::string* reason) -> Task<> {
        const auto done = co_await database->query(insert, name, nullptr, 1);
        *reason = done ? "" : std::string(done.error().reason);
        if (--left == 0) loop.stop();
    };
    std::string first;
    loop.post([&] {
        spawn(one("dup", &first));
        for (std::size_t i = 0; i < reasons.size(); ++i)
            spawn(one(i % 4 == 0 ? "dup" : "n" + std::to_string(i), &reasons[i]));
    });
    loop.run();
    EXPECT_EQ(first, "");
    for (std::size_t i = 0; i < reasons.size(); ++i)
        EXPECT_EQ(reasons[i], i % 4 == 0 ? "storage.unique" : "") << i;
    EXPECT_EQ(count(), 31);
}

TEST_F(SqliteDatabaseTest, ReadersMayNotWrite) {
    auto work = [](Session& session) { return session.execute(insert, "x", nullptr, 1); };
    const auto done = run_to_end(database->read(std::move(work)));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().reason, "storage.read_only");
}

TEST_F(SqliteDatabaseTest, CutsOffAStatementThatRunsTooLong) {
    constexpr Statement forever{
        .name = "t.forever",
        .sql =
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"};
    open({.statement_timeout = milliseconds(50)});
    const auto done = run_to_end(database->query(forever));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::deadline_exceeded);
    EXPECT_EQ(done.error().reason, "storage.timeout");
    EXPECT_EQ(count(), 0);  // the connection is good for more
}

TEST_F(SqliteDatabaseTest, TheFileIsItsOwnersOnly) {
    struct stat found{};
    ASSERT_EQ(::stat((folder.path / "test.db").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(SqliteDatabaseTest, AFileThatIsNoDatabaseIsRefused) {
    const auto file = folder.path / "text.db";
    std::ofstream(file) << std::string(8'192, 'x');
    const auto opened = open_sqlite(file, {}, observer);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "storage.corrupt");
}

TEST_F(SqliteDatabaseTest, WhatWasAnsweredIsThereAfterwards) {
    ASSERT_TRUE(run_to_end(database->query(insert, "kept", nullptr, 1)));
    open({});
    EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace gh::storage
