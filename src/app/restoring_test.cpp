#include "app/restoring.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <map>

#include "app/data_folder.hpp"
#include "app/state_files.hpp"
#include "base/temporary_directory.hpp"

namespace gh::app {
namespace {

using storage::backup::File;
using Files = std::map<std::string, std::string>;

constexpr std::string_view segment = "fallback_db/00000000000000000001.jsonl";

class RestoringTest : public testing::Test {
 protected:
    RestoringTest() {
        settings.data_dir = directory.path() / "data";
        std::filesystem::create_directory(settings.data_dir);
    }
    void write(const std::string& name, std::string_view text) const {
        const auto file = settings.data_dir / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file, std::ios::binary) << text;
    }
    /// Every file but the lock, by its name.
    [[nodiscard]] Files files() const {
        Files found;
        for (const auto& each : std::filesystem::recursive_directory_iterator(settings.data_dir)) {
            const auto name = each.path().lexically_relative(settings.data_dir).string();
            if (!each.is_regular_file() || name == "lock") continue;
            std::ifstream in(each.path(), std::ios::binary);
            found[name] = {std::istreambuf_iterator<char>(in), {}};
        }
        return found;
    }
    void write_old() const {
        for (const auto& [name, text] : old_files()) write(name, text);
    }
    static Files old_files() {
        return {{"ca.pem", "old ca"},
                {"gatehouse.db", "old rows"},
                {"gatehouse.db-wal", "old log"},
                {"keys/ca-root", "old root"},
                {"keys/gone", "old"},
                {std::string(segment), "old line\n"}};
    }
    static Files new_files() {
        return {{"ca.pem", "new ca"}, {"gatehouse.db", "new rows"}, {"keys/ca-root", "new root"}};
    }
    /// All that comes before complete().
    void lay_out(Restoring& restoring) const {
        ASSERT_TRUE(restoring.take({"ca.pem", "new ca"}));
        ASSERT_TRUE(restoring.take({"keys/ca-root", "new root"}));
        std::ofstream(restoring.database()) << "new rows";
    }

    TemporaryDirectory directory;
    Settings settings;
};

TEST_F(RestoringTest, NewFilesTakeThePlacesOfAllOldOnes) {
    write_old();
    {
        auto restoring = Restoring::begin(settings);
        ASSERT_TRUE(restoring) << describe(restoring.error());
        lay_out(*restoring);
        ASSERT_TRUE(restoring->complete({}));
        const auto done = restoring->put_in_place();
        ASSERT_TRUE(done) << describe(done.error());
    }
    EXPECT_EQ(files(), new_files());
    EXPECT_FALSE(Restoring::left(settings.data_dir));
    struct stat facts{};
    ASSERT_EQ(::stat((settings.data_dir / "keys" / "ca-root").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    ASSERT_EQ(::stat((settings.data_dir / "keys").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0700U);
}

TEST_F(RestoringTest, WhatWasNotCompletedLeavesTheOldOnes) {
    write_old();
    {
        auto restoring = Restoring::begin(settings);
        ASSERT_TRUE(restoring);
        lay_out(*restoring);
    }
    EXPECT_EQ(files(), old_files());
    {
        auto restoring = Restoring::begin(settings);
        ASSERT_TRUE(restoring);
        lay_out(*restoring);
        restoring->leave();  // as if the process had been killed here
    }
    EXPECT_TRUE(Restoring::left(settings.data_dir));
    ASSERT_TRUE(DataFolder::open(settings, DataFolder::Use::shared));
    EXPECT_EQ(files(), old_files());
    EXPECT_FALSE(Restoring::left(settings.data_dir));
}

TEST_F(RestoringTest, WhatWasCompletedIsCarriedOutByWhoComesNext) {
    write_old();
    {
        auto restoring = Restoring::begin(settings);
        ASSERT_TRUE(restoring);
        lay_out(*restoring);
        ASSERT_TRUE(restoring->complete({}));
        restoring->leave();
    }
    ASSERT_TRUE(DataFolder::open(settings, DataFolder::Use::shared));
    EXPECT_EQ(files(), new_files());
}

// Killed between any two steps: each state that put_in_place() passes through is one that settle() brings to its end.
TEST_F(RestoringTest, EveryStepMayBeTheLastOne) {
    const std::string place = "restored";
    const auto move = [this](const std::string& from, const std::string& to) {
        std::filesystem::rename(settings.data_dir / from, settings.data_dir / to);
    };
    const std::vector<std::function<void()>> steps = {
        [&] { std::filesystem::remove(settings.data_dir / "gatehouse.db-wal"); },
        [&] { move("gatehouse.db.restored", "gatehouse.db"); },
        [&] { move("keys", place + "/old-keys"); },
        [&] { move(place + "/keys", "keys"); },
        [&] { move("fallback_db", place + "/old-fallback_db"); },
        [&] { move(place + "/fallback_db", "fallback_db"); },
        [&] { move(place + "/ca.pem", "ca.pem"); },
        [&] { std::filesystem::remove(settings.data_dir / place / "complete"); },
    };
    for (std::size_t count = 0; count <= steps.size(); ++count) {
        std::filesystem::remove_all(settings.data_dir);
        std::filesystem::create_directory(settings.data_dir);
        write_old();
        auto restoring = Restoring::begin(settings);
        ASSERT_TRUE(restoring);
        lay_out(*restoring);
        ASSERT_TRUE(restoring->complete({}));
        restoring->leave();
        for (std::size_t i = 0; i < count; ++i) steps[i]();
        const auto settled = Restoring::settle(settings);
        ASSERT_TRUE(settled) << describe(settled.error());
        EXPECT_EQ(files(), new_files()) << count << " steps";
        EXPECT_FALSE(Restoring::left(settings.data_dir));
    }
}

TEST_F(RestoringTest, WhatOnlyTheServerKnowsWaitsForIt) {
    settings.storage.url =
        *storage::parse_storage_url("postgresql://nobody@127.0.0.1:1/none?sslmode=disable");
    settings.storage.pool.acquire_timeout = milliseconds(200);
    write("keys/ca-root", "old root");
    {
        auto restoring = Restoring::begin(settings);
        ASSERT_TRUE(restoring);
        ASSERT_TRUE(restoring->take({"keys/ca-root", "new root"}));
        ASSERT_TRUE(restoring->complete("01234567"));
        restoring->leave();
    }
    const auto opened = DataFolder::open(settings, DataFolder::Use::shared);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, "restore.undecided");
    EXPECT_TRUE(Restoring::left(settings.data_dir));
    EXPECT_EQ(files().at("keys/ca-root"), "old root");
}

TEST_F(RestoringTest, NothingIsWrittenElsewhere) {
    auto restoring = Restoring::begin(settings);
    ASSERT_TRUE(restoring);
    for (const char* name : {"../x", "keys/../x", "keys/", "keys/a/b", "/etc/passwd",
                             "gatehouse.db", "keys/.hidden", "keys/UP", "fallback_db/1.jsonl",
                             "lock", "", "ca.pem/x", "fallback_db/0000000000000000000x.jsonl"}) {
        const auto taken = restoring->take({name, "x"});
        ASSERT_FALSE(taken) << name;
        EXPECT_EQ(taken.error().reason, "backup.damaged");
    }
}

TEST_F(RestoringTest, OneWhoReplacesIsAlone) {
    using enum DataFolder::Use;
    {
        const auto one = DataFolder::open(settings, shared),
                   other = DataFolder::open(settings, shared);
        ASSERT_TRUE(one && other);
        const auto refused = DataFolder::open(settings, alone);
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().reason, "data_dir.in_use");
    }
    EXPECT_TRUE(DataFolder::open(settings, alone));
}

TEST_F(RestoringTest, FilesOfABackupAreThoseThatCount) {
    write_old();
    for (const char* name :
         {"admin-password", "ca.lock", "keys/.ca-root.new", "notes", "fallback_db/x"})
        write(name, "x");
    write(std::string(segment), "whole\nhal");
    Files read;
    const auto take = [&](File file) -> Result<void> {
        read[file.name] = file.content;
        return {};
    };
    ASSERT_TRUE(read_state_files(settings.data_dir, take));
    EXPECT_EQ(read, (Files{{"ca.pem", "old ca"},
                           {"keys/ca-root", "old root"},
                           {"keys/gone", "old"},
                           {std::string(segment), "whole\n"}}));
    EXPECT_TRUE(has_state_files(settings.data_dir));
    std::filesystem::remove_all(settings.data_dir);
    EXPECT_FALSE(has_state_files(settings.data_dir));
}

}  // namespace
}  // namespace gh::app
