#include "storage/sqlite/database.hpp"

#include <sys/stat.h>

#include <fstream>
#include <future>

#include "storage/testing.hpp"

namespace gh::storage {
namespace {

class SqliteDatabaseTest : public testing::Test {
 protected:
    TestFolder folder;
    telemetry::Registry registry;
    Observer observer{registry, nullptr, milliseconds(1'000)};
};

TEST_F(SqliteDatabaseTest, TheFileIsItsOwnersOnly) {
    ASSERT_TRUE(open_sqlite(folder.path / "test.db", {}, observer));
    struct stat found{};
    ASSERT_EQ(::stat((folder.path / "test.db").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U);
}

TEST_F(SqliteDatabaseTest, LeavesNoLogBehindWhenItIsClosed) {
    for (int round = 0; round < 50; ++round) {
        ASSERT_TRUE(open_sqlite(folder.path / "test.db", {}, observer));
        EXPECT_FALSE(std::filesystem::exists(folder.path / "test.db-wal"));
        EXPECT_FALSE(std::filesystem::exists(folder.path / "test.db-shm"));
    }
}

TEST_F(SqliteDatabaseTest, TheFolderMayBeReachedThroughALinkTheFileMayBeNone) {
    std::filesystem::create_directory(folder.path / "real");
    std::filesystem::create_directory_symlink(folder.path / "real", folder.path / "link");
    const auto opened = open_sqlite(folder.path / "link" / "test.db", {}, observer);
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_TRUE(std::filesystem::exists(folder.path / "real" / "test.db"));
    std::filesystem::create_symlink(folder.path / "real" / "test.db", folder.path / "file.db");
    const auto refused = open_sqlite(folder.path / "file.db", {}, observer);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "storage.open");
}

TEST_F(SqliteDatabaseTest, SaysThatTheSchemaIsNotThereOrNotOurs) {
    constexpr Statement no_table{.name = "t.no_table", .sql = "SELECT x FROM missing"};
    constexpr Statement no_column{.name = "t.no_column", .sql = "SELECT y FROM there"};
    constexpr Statement no_target{.name = "t.no_target", .sql = "INSERT INTO there (y) VALUES (1)"};
    constexpr Statement make{.name = "t.make", .sql = "CREATE TABLE there (x INTEGER) STRICT"};
    constexpr Statement nonsense{.name = "t.nonsense", .sql = "SELECT x FROM"};
    const auto database = open_sqlite(folder.path / "test.db", {}, observer).value();
    const auto reason_of = [&](const Statement& statement) {
        const auto done = run_to_end(database->query(statement));
        return done ? std::string_view() : done.error().reason;
    };
    EXPECT_EQ(reason_of(make), "");
    EXPECT_EQ(reason_of(make), "storage.occupied");
    EXPECT_EQ(reason_of(no_table), "storage.schema");
    EXPECT_EQ(reason_of(no_column), "storage.schema");
    EXPECT_EQ(reason_of(no_target), "storage.schema");
    EXPECT_EQ(reason_of(nonsense), "storage.statement");
}

TEST_F(SqliteDatabaseTest, MoreThanMayWaitAreRefusedAtOnce) {
    constexpr std::size_t queue_max = 4'096, surplus = 5;
    auto database =
        open_sqlite(folder.path / "test.db", {.acquire_timeout = milliseconds(60'000)}, observer)
            .value();
    std::promise<void> begun, let_go;
    net::Loop loop;
    std::size_t left = queue_max + surplus + 1, served = 0, refused = 0;
    auto write = [&](Database::Work work) -> Task<> {
        const auto done = co_await database->run(Database::Mode::write, std::move(work));
        if (!done) {
            EXPECT_EQ(done.error().reason, "storage.busy");
        }
        ++(done ? served : refused);
        if (refused == surplus && served == 0) let_go.set_value();
        if (--left == 0) loop.stop();
    };
    loop.post([&] {
        spawn(write([&](Session&) -> Task<Result<void>> {
            begun.set_value();
            let_go.get_future().wait_for(std::chrono::seconds(30));
            co_return Result<void>{};
        }));
        begun.get_future().wait();
        for (std::size_t i = 0; i < queue_max + surplus; ++i)
            spawn(write([](Session&) -> Task<Result<void>> { co_return Result<void>{}; }));
    });
    loop.run();
    EXPECT_EQ(refused, surplus);
    EXPECT_EQ(served, queue_max + 1);
}

TEST_F(SqliteDatabaseTest, AFileThatIsNoDatabaseIsRefused) {
    const auto file = folder.path / "text.db";
    std::ofstream(file) << std::string(8'192, 'x');
    const auto opened = open_sqlite(file, {}, observer);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "storage.corrupt");
}

}  // namespace
}  // namespace gh::storage
