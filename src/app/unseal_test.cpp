#include "app/unseal.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "app/testing.hpp"
#include "base/temporary_directory.hpp"
#include "pki/key_store.hpp"
#include "vault/sealed_key_store.hpp"

namespace gh::app {
namespace {

using crypto::Secret;

class UnsealTest : public testing::Test {
 protected:
    UnsealTest() { settings_.data_dir = home_.path(); }
    [[nodiscard]] std::filesystem::path keys() const { return home_.path() / "keys"; }
    pki::FileKeyStore files() const { return pki::FileKeyStore::open(keys()).value(); }
    std::string reason() const {
        const auto opened = unseal(settings_);
        return opened ? "" : std::string(opened.error().reason);
    }
    static std::string text_of(const Result<Secret>& loaded) {
        return loaded ? std::string(crypto::text_of(loaded->bytes())) : describe(loaded.error());
    }
    /// What a house of before the vault has.
    void put_plain_keys(int count) const {
        auto store = files();
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(
                store.store("key-" + std::to_string(i), Secret("value " + std::to_string(i))));
    }

    TemporaryDirectory home_;
    Settings settings_;
};

TEST_F(UnsealTest, MakesASealWithAKeyFileOfItsOwnAndOpensItAgain) {
    put_plain_keys(2);
    auto opened = unseal(settings_);
    ASSERT_TRUE(opened) << describe(opened.error());
    ASSERT_TRUE(opened->keys->store("new", Secret("fresh")));
    for (const auto* name : {"master.key", "seal.json", "key-0", "new"}) {
        struct stat facts{};
        ASSERT_EQ(::stat((keys() / name).c_str(), &facts), 0) << name;
        EXPECT_EQ(facts.st_mode & 07777, 0600U) << name;
    }
    EXPECT_FALSE(text_of(files().load("key-1")).contains("value"));
    auto again = unseal(settings_);
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_EQ(text_of(again->keys->load("key-1")), "value 1");
    EXPECT_EQ(text_of(again->keys->load("new")), "fresh");
}

TEST_F(UnsealTest, IsRefusedWithoutItsKeyAndSaysWhatToDo) {
    ASSERT_TRUE(unseal(settings_));
    std::filesystem::rename(keys() / "master.key", home_.path() / "elsewhere");
    const auto refused = unseal(settings_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "seal.key_missing");
    EXPECT_TRUE(refused.error().detail.contains((keys() / "master.key").string()));
    EXPECT_FALSE(std::filesystem::exists(keys() / "master.key")) << "no other key is made";
    settings_.vault.key_file = home_.path() / "elsewhere";
    EXPECT_EQ(reason(), "");
    settings_.vault.key_file.reset();
    settings_.vault.passphrase = config::Secret("correct horse battery staple");
    EXPECT_EQ(reason(), "seal.other_protector");
}

TEST_F(UnsealTest, MakesNoSealBesideKeysThatWereSealedWithAnother) {
    ASSERT_TRUE(unseal(settings_)->keys->store("ca-root", Secret("root")));
    std::filesystem::remove(keys() / "seal.json");
    EXPECT_EQ(reason(), "seal.missing");
    EXPECT_FALSE(std::filesystem::exists(keys() / "seal.json"));
}

TEST_F(UnsealTest, TakesAKeyOfTheEnvironmentAndNoneThatEverybodyKnows) {
    settings_.vault.key = config::Secret("CHANGE_ME_IN_PRODUCTION");
    EXPECT_EQ(reason(), "secret.placeholder");
    EXPECT_FALSE(std::filesystem::exists(keys() / "seal.json"));
    settings_.vault.key = config::Secret(
        "mWjW1bWbPdbEFyZsNvOZpYPNHQ2tT1ZBNcW3G2rJ5xA=");  // secret-scan: allow made up
    EXPECT_EQ(reason(), "");
    EXPECT_FALSE(std::filesystem::exists(keys() / "master.key"));
    settings_.vault.key = config::Secret(
        "nWjW1bWbPdbEFyZsNvOZpYPNHQ2tT1ZBNcW3G2rJ5xA=");  // secret-scan: allow made up
    EXPECT_EQ(reason(), "seal.wrong_key");
}

/// Unseals in a process of its own that a timer ends after so many microseconds. @return whether it did
bool unseal_and_die(const Settings& settings, int microseconds) {
    const auto child = ::fork();
    if (child == 0) {
        const itimerval soon{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = microseconds}};
        ::setitimer(ITIMER_REAL, &soon, nullptr);
        ::_exit(unseal(settings) ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
    return WIFSIGNALED(status);
}

// Ended anywhere while the keys of before are sealed, the next start has all of them.
TEST_F(UnsealTest, LosesNoKeyWhenItIsKilledWhileItSeals) {
    constexpr int count = 8, rounds = 40;
    int cut_short = 0, halfway = 0;
    for (int round = 0; round < rounds; ++round) {
        const TemporaryDirectory home;
        settings_.data_dir = home.path();
        auto store = pki::FileKeyStore::open(home.path() / "keys").value();
        const auto name = [](int i) { return "key-" + std::to_string(i); };
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(store.store(name(i), Secret("value " + std::to_string(i))));
        if (unseal_and_die(settings_, 200 + 400 * round)) ++cut_short;
        int sealed = 0;
        for (int i = 0; i < count; ++i) {
            const auto kept = store.load(name(i));
            ASSERT_TRUE(kept) << describe(kept.error());
            if (vault::SealedKeyStore::is_sealed(*kept)) {
                ++sealed;
            } else {
                EXPECT_EQ(text_of(kept), "value " + std::to_string(i));
            }
        }
        if (sealed > 0 && sealed < count) ++halfway;
        auto opened = unseal(settings_);
        ASSERT_TRUE(opened) << describe(opened.error());
        for (int i = 0; i < count; ++i)
            EXPECT_EQ(text_of(opened->keys->load(name(i))), "value " + std::to_string(i));
    }
    EXPECT_GT(cut_short, 0);
    RecordProperty("halfway", halfway);
}

}  // namespace
}  // namespace gh::app
