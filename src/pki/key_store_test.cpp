#include "pki/key_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/temporary_directory.hpp"

namespace gh::pki {
namespace {

std::string text_of(const Result<crypto::Secret>& loaded) {
    return loaded ? std::string(crypto::text_of(loaded->bytes())) : describe(loaded.error());
}

class FileKeyStoreTest : public ::testing::Test {
 protected:
    [[nodiscard]] FileKeyStore open() const {
        auto store = FileKeyStore::open(directory());
        EXPECT_TRUE(store) << describe(store.error());
        return std::move(*store);
    }
    [[nodiscard]] std::filesystem::path directory() const { return home_.path() / "keys"; }
    static mode_t mode_of(const std::filesystem::path& file) {
        struct stat facts{};
        return ::stat(file.c_str(), &facts) == 0 ? facts.st_mode & 07777 : 0;
    }

    TemporaryDirectory home_;
};

TEST_F(FileKeyStoreTest, GivesBackWhatItWasGivenAlsoToTheNextProcess) {
    const std::string binary("\0key\n\xff", 6);
    {
        auto store = open();
        const auto absent = store.load("ca-root");
        EXPECT_EQ(absent ? "" : absent.error().reason, "key_store.absent");
        EXPECT_TRUE(store.store("ca-root", crypto::Secret("old")));
        EXPECT_TRUE(store.store("ca-root", crypto::Secret(binary)));
    }
    auto store = open();
    EXPECT_EQ(text_of(store.load("ca-root")), binary);
    EXPECT_EQ(mode_of(directory()), 0700U);
    EXPECT_EQ(mode_of(directory() / "ca-root"), 0600U);
}

TEST_F(FileKeyStoreTest, NamesWhatItHoldsAndNothingElse) {
    auto store = open();
    EXPECT_TRUE(store.names()->empty());
    ASSERT_TRUE(store.store("leaf-public", crypto::Secret("1")));
    ASSERT_TRUE(store.store("ca-root", crypto::Secret("2")));
    std::ofstream(directory() / ".ca-root.new") << "3";
    std::ofstream(directory() / "seal.json") << "4";
    EXPECT_EQ(store.names().value(), (std::vector<std::string>{"ca-root", "leaf-public"}));
}

TEST_F(FileKeyStoreTest, RefusesAKeyThatOthersMayReachAndSaysWhatToDo) {
    auto store = open();
    ASSERT_TRUE(store.store("ca-root", crypto::Secret("secret")));
    for (const mode_t mode : {0640U, 0604U, 0620U, 0601U}) {
        ASSERT_EQ(::chmod((directory() / "ca-root").c_str(), mode), 0);
        const auto loaded = store.load("ca-root");
        ASSERT_FALSE(loaded) << std::oct << mode;
        EXPECT_EQ(loaded.error().kind, ErrorKind::permission_denied);
        EXPECT_EQ(loaded.error().reason, "key_store.open_to_others");
        EXPECT_TRUE(
            loaded.error().detail.contains("chmod 600 " + (directory() / "ca-root").string()));
    }
    ASSERT_EQ(::chmod((directory() / "ca-root").c_str(), 0600), 0);
    EXPECT_EQ(text_of(store.load("ca-root")), "secret");
}

TEST_F(FileKeyStoreTest, RefusesADirectoryThatOthersMayReach) {
    (void)open();
    ASSERT_EQ(::chmod(directory().c_str(), 0750), 0);
    const auto store = FileKeyStore::open(directory());
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().reason, "key_store.open_to_others");
    EXPECT_TRUE(store.error().detail.contains("chmod 700 " + directory().string()));
}

TEST_F(FileKeyStoreTest, NeedsADirectoryAndNamesWhatStandsInItsPlace) {
    std::ofstream(directory()) << "not a directory";
    for (const auto& path : {directory(), home_.path() / "missing" / "keys"}) {
        const auto store = FileKeyStore::open(path);
        ASSERT_FALSE(store) << path;
        EXPECT_EQ(store.error().reason, "key_store.io");
        EXPECT_TRUE(store.error().detail.contains(path.string())) << store.error().detail;
    }
}

TEST_F(FileKeyStoreTest, RefusesADirectoryOfSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    (void)open();
    ASSERT_EQ(::chown(directory().c_str(), 65534, 65534), 0);
    const auto store = FileKeyStore::open(directory());
    EXPECT_EQ(store ? "" : store.error().reason, "key_store.owner");
}

TEST_F(FileKeyStoreTest, RefusesAKeyOfSomebodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    auto store = open();
    ASSERT_TRUE(store.store("ca-root", crypto::Secret("secret")));
    ASSERT_EQ(::chown((directory() / "ca-root").c_str(), 65534, 65534), 0);
    const auto loaded = store.load("ca-root");
    EXPECT_EQ(loaded ? "" : loaded.error().reason, "key_store.owner");
}

TEST_F(FileKeyStoreTest, ReadsPlainFilesOnly) {
    auto store = open();
    std::ofstream(home_.path() / "elsewhere") << "planted";
    std::filesystem::create_symlink(home_.path() / "elsewhere", directory() / "link");
    ASSERT_EQ(::mkfifo((directory() / "pipe").c_str(), 0600), 0);
    ASSERT_EQ(::mkdir((directory() / "folder").c_str(), 0700), 0);
    for (const auto* name : {"link", "pipe", "folder"}) {
        SCOPED_TRACE(name);
        const auto loaded = store.load(name);
        EXPECT_EQ(loaded ? "" : loaded.error().reason, "key_store.not_a_file");
    }
}

TEST_F(FileKeyStoreTest, TakesTokensForNamesAndNothingThatLeadsElsewhere) {
    auto store = open();
    const std::string good[] = {"a", "leaf-public_2",
                                std::string(FileKeyStore::name_bytes_max, 'a')};
    for (const auto& name : good) EXPECT_TRUE(store.store(name, crypto::Secret("x"))) << name;
    const std::string bad[] = {"",
                               ".",
                               "..",
                               "../a",
                               "a/b",
                               "A",
                               "a.b",
                               ".a.new",
                               std::string("a\0", 2),
                               "a b",
                               std::string(FileKeyStore::name_bytes_max + 1, 'a')};
    for (const auto& name : bad) {
        SCOPED_TRACE(name);
        const auto stored = store.store(name, crypto::Secret("x"));
        EXPECT_EQ(stored ? "" : stored.error().reason, "key_store.name");
        const auto loaded = store.load(name);
        EXPECT_EQ(loaded ? "" : loaded.error().reason, "key_store.name");
    }
}

TEST_F(FileKeyStoreTest, HoldsValuesUpToItsLimit) {
    auto store = open();
    const std::string longest(FileKeyStore::value_bytes_max, 'x');
    EXPECT_TRUE(store.store("long", crypto::Secret(longest)));
    EXPECT_EQ(text_of(store.load("long")), longest);
    const auto refused = store.store("long", crypto::Secret(longest + 'y'));
    EXPECT_EQ(refused ? "" : refused.error().reason, "key_store.too_long");
    EXPECT_EQ(text_of(store.load("long")), longest) << "the old value stays";
    std::ofstream(directory() / "long", std::ios::app) << 'y';
    const auto loaded = store.load("long");
    EXPECT_EQ(loaded ? "" : loaded.error().reason, "key_store.too_long");
}

}  // namespace
}  // namespace gh::pki
