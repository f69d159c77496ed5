#include "app/machine.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/temporary_directory.hpp"

namespace gh::app {
namespace {

mode_t mode_of(const std::filesystem::path& path) {
    struct stat facts{};
    return ::stat(path.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
}

TEST(MakeDirectory, IsForItsOwnerAloneWhateverTheUmask) {
    const TemporaryDirectory home;
    const auto before = ::umask(0);
    const auto made = make_directory(home.path() / "below" / "data");
    ::umask(before);
    ASSERT_TRUE(made) << made.error().detail;
    EXPECT_EQ(mode_of(home.path() / "below" / "data"), 0700U);
}

TEST(MakeDirectory, LeavesTheModeOfOneThatIsThere) {
    const TemporaryDirectory home;
    std::filesystem::create_directory(home.path() / "data");
    ASSERT_EQ(::chmod((home.path() / "data").c_str(), 0750), 0);
    EXPECT_TRUE(make_directory(home.path() / "data"));
    EXPECT_EQ(mode_of(home.path() / "data"), 0750U);
}

TEST(MakeDirectory, SaysWhatToDoWhereItCannot) {
    const TemporaryDirectory home;
    std::ofstream(home.path() / "file") << "not a directory";
    for (const auto& path : {home.path() / "file", home.path() / "file" / "data"}) {
        const auto made = make_directory(path);
        ASSERT_FALSE(made) << path;
        EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
        EXPECT_EQ(made.error().detail, "cannot use the data directory " + path.string() +
                                           "; choose another with --data or data_dir");
    }
}

TEST(MakeDirectory, WantsToReadAndWriteInIt) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may everywhere";
    const TemporaryDirectory home;
    std::filesystem::create_directory(home.path() / "data");
    ASSERT_EQ(::chmod((home.path() / "data").c_str(), 0500), 0);
    EXPECT_FALSE(make_directory(home.path() / "data"));
}

TEST(Machine, TheDescriptorLimitIsRaisedToTheHardOne) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    EXPECT_EQ(descriptors_max(), before.rlim_max);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace gh::app
