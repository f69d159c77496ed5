#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "base/temporary_directory.hpp"

namespace gh {
namespace {

mode_t mode_of(const std::filesystem::path& file) {
    struct stat facts{};
    return ::stat(file.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
}

std::size_t files_in(const std::filesystem::path& directory) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory),
                                                  std::filesystem::directory_iterator()));
}

TEST(ReplaceFile, WritesWithTheModeAndLeavesNothingBeside) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    const auto before = ::umask(0077);
    EXPECT_TRUE(replace_file(directory, "ca.pem", "one", 0644));
    EXPECT_TRUE(replace_file(directory, "ca.pem", "two", 0644));
    ::umask(before);
    EXPECT_EQ(read_file_at(home.path() / "ca.pem", 100).value(), "two");
    EXPECT_EQ(mode_of(home.path() / "ca.pem"), 0644U) << "whatever the umask";
    EXPECT_EQ(files_in(home.path()), 1U);
}

TEST(ReplaceFile, GivesAFileToItsOwnerBeforeItHasItsName) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    const auto owned = [&](const char* name) {
        struct stat facts{};
        EXPECT_EQ(::stat((home.path() / name).c_str(), &facts), 0);
        return std::pair(facts.st_uid, facts.st_gid);
    };
    const FileOwner mine{::geteuid(), ::getegid()}, other{4'711, 4'712};
    EXPECT_TRUE(check_replaceable(directory, "env", mine));
    EXPECT_TRUE(replace_file(directory, "env", "one", 0640, mine));
    EXPECT_EQ(owned("env"), std::pair(mine.user, mine.group));
    const bool root = ::geteuid() == 0;
    EXPECT_EQ(check_replaceable(directory, "env", other).has_value(), root);
    EXPECT_EQ(replace_file(directory, "env", "two", 0640, other).has_value(), root);
    EXPECT_EQ(read_file_at(home.path() / "env", 100).value(), root ? "two" : "one");
    if (root) {
        EXPECT_EQ(owned("env"), std::pair(other.user, other.group));
    }
    EXPECT_EQ(mode_of(home.path() / "env"), 0640U);
    EXPECT_EQ(files_in(home.path()), 1U);
}

TEST(OpenFile, OpensRegularFilesAndNothingElse) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    std::ofstream(home.path() / "file") << "text";
    std::filesystem::create_symlink("file", home.path() / "link");
    std::filesystem::create_directory(home.path() / "folder");
    ASSERT_EQ(::mkfifo((home.path() / "pipe").c_str(), 0600), 0);
    const auto file = open_file(directory, "file");
    ASSERT_TRUE(file);
    EXPECT_EQ(read_file(*file, 100).value(), "text");
    for (const auto* name : {"link", "folder", "pipe"}) {
        const auto refused = open_file(directory, name);
        EXPECT_EQ(refused ? "" : refused.error().reason, "file.kind") << name;
    }
    EXPECT_EQ(open_file(directory, "none").error().reason, "file.absent");
}

TEST(CreateFile, MakesAFileOnceWithItsMode) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    EXPECT_TRUE(create_file(directory, "api.key", "one", 0600));
    const auto again = create_file(directory, "api.key", "two", 0600);
    EXPECT_EQ(again ? "" : again.error().reason, "file.exists");
    EXPECT_EQ(read_file_at(home.path() / "api.key", 100).value(), "one");
    EXPECT_EQ(mode_of(home.path() / "api.key"), 0600U);
    std::filesystem::create_symlink("nowhere", home.path() / "link");
    const auto linked = create_file(directory, "link", "three", 0600);
    EXPECT_EQ(linked ? "" : linked.error().reason, "file.exists") << "a link is there, too";
    EXPECT_EQ(files_in(home.path()), 2U);
}

TEST(ReplaceFile, StepsOverWhatAKilledWriterOrAStrangerLeft) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    std::ofstream(home.path() / ".key.new") << "half";
    EXPECT_TRUE(replace_file(directory, "key", "whole", 0600));
    EXPECT_EQ(read_file_at(home.path() / "key", 100).value(), "whole");

    std::ofstream(home.path() / "victim") << "untouched";
    std::filesystem::create_symlink(home.path() / "victim", home.path() / ".key.new");
    EXPECT_TRUE(replace_file(directory, "key", "whole again", 0600));
    EXPECT_EQ(read_file_at(home.path() / "victim", 100).value(), "untouched");
    EXPECT_EQ(read_file_at(home.path() / "key", 100).value(), "whole again");
}

TEST(CreateFile, MakesWhatIsNotThereAndTouchesNothingThatIs) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    EXPECT_EQ(file_exists(home.path() / "key"), false);
    EXPECT_TRUE(create_file(directory, "key", "one", 0600));
    EXPECT_EQ(file_exists(home.path() / "key"), true);
    const auto again = create_file(directory, "key", "two", 0600);
    EXPECT_EQ(again ? "" : again.error().reason, "file.exists");
    EXPECT_EQ(read_file_at(home.path() / "key", 100).value(), "one");
    EXPECT_EQ(mode_of(home.path() / "key"), 0600U);
    EXPECT_EQ(files_in(home.path()), 1U);
    std::filesystem::create_symlink(home.path() / "nowhere", home.path() / "link");
    EXPECT_EQ(file_exists(home.path() / "link"), true);
    EXPECT_FALSE(create_file(directory, "link", "two", 0600));
    const auto unknown = file_exists(home.path() / "key" / "below");  // no folder: nobody can tell
    EXPECT_EQ(unknown ? "" : unknown.error().reason, "file.io");
}

TEST(RemoveFile, RemovesWhatIsThereAndIsContentWithWhatIsNot) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    ASSERT_TRUE(create_file(directory, "key", "one", 0600));
    EXPECT_TRUE(remove_file(directory, "key"));
    EXPECT_EQ(files_in(home.path()), 0U);
    EXPECT_TRUE(remove_file(directory, "key"));
    std::filesystem::create_directory(home.path() / "key");
    EXPECT_FALSE(remove_file(directory, "key"));
}

TEST(ReplaceFile, KeepsTheOldFileWhenItCannotWrite) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    ASSERT_TRUE(replace_file(directory, "key", "old", 0600));
    std::filesystem::create_directory(home.path() / ".key.new");  // nothing unlinks a directory
    const auto replaced = replace_file(directory, "key", "new", 0600);
    EXPECT_EQ(replaced ? "" : replaced.error().reason, "file.io");
    EXPECT_EQ(read_file_at(home.path() / "key", 100).value(), "old");
}

TEST(ReplaceFile, AFullDiskLeavesTheOldFileAndNothingHalfWritten) {
    const TemporaryDirectory home;
    const auto directory = open_directory(home.path()).value();
    ASSERT_TRUE(replace_file(directory, "key", "old", 0600));
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit full = before;
    full.rlim_cur = 100;  // writing stops in the middle
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
    const auto replaced = replace_file(directory, "key", std::string(200, 'n'), 0600);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(replaced);
    EXPECT_EQ(replaced.error().reason, "file.io");
    EXPECT_TRUE(replaced.error().detail.starts_with("writing key")) << replaced.error().detail;
    EXPECT_EQ(read_file_at(home.path() / "key", 100).value(), "old");
    EXPECT_EQ(files_in(home.path()), 1U);
}

TEST(ReadFile, TakesUpToItsLimitAndNoByteMore) {
    const TemporaryDirectory home;
    std::ofstream(home.path() / "file") << "12345678";
    EXPECT_EQ(read_file_at(home.path() / "file", 8).value(), "12345678");
    const auto over = read_file_at(home.path() / "file", 7);
    EXPECT_EQ(over ? "" : over.error().reason, "file.too_long");
    const auto missing = read_file_at(home.path() / "missing", 7);
    EXPECT_EQ(missing ? "" : missing.error().reason, "file.io");
}

TEST(FileLock, IsHeldByOneAndFreedWithIt) {
    using namespace std::chrono_literals;
    const TemporaryDirectory home;
    {
        const auto held = FileLock::acquire(home.path() / "lock", 0ms);
        ASSERT_TRUE(held);
        const auto second = FileLock::acquire(home.path() / "lock", 0ms);
        EXPECT_EQ(second ? "" : second.error().reason, "file.locked");
    }
    EXPECT_TRUE(FileLock::acquire(home.path() / "lock", 0ms));
    const auto nowhere = FileLock::acquire(home.path() / "missing" / "lock", 0ms);
    EXPECT_EQ(nowhere ? "" : nowhere.error().reason, "file.io");
}

}  // namespace
}  // namespace gh
