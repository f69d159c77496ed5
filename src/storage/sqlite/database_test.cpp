#include "storage/sqlite/database.hpp"

#include <sys/stat.h>

#include <fstream>

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

TEST_F(SqliteDatabaseTest, AFileThatIsNoDatabaseIsRefused) {
    const auto file = folder.path / "text.db";
    std::ofstream(file) << std::string(8'192, 'x');
    const auto opened = open_sqlite(file, {}, observer);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "storage.corrupt");
}

}  // namespace
}  // namespace gh::storage
