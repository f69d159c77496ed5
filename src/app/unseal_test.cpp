#include "app/unseal.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <utility>

#include "app/testing.hpp"
#include "base/temporary_directory.hpp"
#include "pki/key_store.hpp"
#include "vault/sealed_key_store.hpp"

namespace gh::app {
namespace {

using crypto::Secret;

/// What happens while a key far away is asked.
class FarAway final : public vault::Protector {
 public:
    explicit FarAway(const std::filesystem::path& keys)
        : key_(vault::key_file_protector(keys / own_key_file)) {}
    std::function<void()> meanwhile;
    int asked = 0;

    [[nodiscard]] std::string_view kind() const override { return key_->kind(); }
    [[nodiscard]] std::string name() const override { return key_->name(); }
    Result<vault::Recipient> wrap(const Secret& master) override { return key_->wrap(master); }
    Result<Secret> unwrap(const vault::Recipient& recipient) override {
        ++asked;
        meanwhile();
        return key_->unwrap(recipient);
    }

 private:
    std::unique_ptr<vault::Protector> key_;
};

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

TEST_F(UnsealTest, NobodyWaitsForTheLockWhileAKeyFarAwayIsAsked) {
    ASSERT_TRUE(unseal(settings_));
    FarAway key(keys());
    int free = 0;
    const auto is_free = [&] {
        free += FileLock::acquire(keys() / "seal.lock", milliseconds(0)) ? 1 : 0;
    };
    key.meanwhile = is_free;
    {
        const auto opened = open_locked(settings_, key);
        ASSERT_TRUE(opened) << describe(opened.error());
        EXPECT_EQ(std::pair(key.asked, free), std::pair(1, 1));
        is_free();
        EXPECT_EQ(free, 1) << "then it is held";
    }
    // Another one has changed it just then.
    auto other = vault::Seal::open(keys(), *protector_of(settings_)).value();
    const auto recovery = vault::RecoveryKey::generate().protector();
    key.meanwhile = [&] {
        if (key.asked == 2) {
            EXPECT_TRUE(other.add(*recovery));
        }
    };
    const auto opened = open_locked(settings_, key);
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_EQ(key.asked, 3);
    EXPECT_EQ(opened->seal.recovery_keys().size(), 1U);
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
    settings_.vault.credential = "vault-key";
    ::unsetenv("CREDENTIALS_DIRECTORY");
    EXPECT_EQ(reason(), "seal.key_missing");
    settings_.vault.credential.clear();
    settings_.vault.passphrase = config::Secret("correct horse battery staple");
    EXPECT_EQ(reason(), "seal.other_protector");
}

TEST_F(UnsealTest, MakesNoSealBesideKeysThatWereSealedWithAnother) {
    ASSERT_TRUE(unseal(settings_)->keys->store("ca-root", Secret("root")));
    std::filesystem::remove(keys() / "seal.json");
    EXPECT_EQ(reason(), "seal.missing");
    EXPECT_FALSE(std::filesystem::exists(keys() / "seal.json"));
}

TEST_F(UnsealTest, TakesNothingForAbsentThatItCannotSee) {
    put_plain_keys(1);
    // Such as a disk that is not mounted yet.
    std::filesystem::create_symlink(home_.path() / "elsewhere", keys() / "master.key");
    EXPECT_EQ(reason(), "seal.key_missing");
    EXPECT_TRUE(std::filesystem::is_symlink(keys() / "master.key")) << "no other key is made";
    EXPECT_FALSE(std::filesystem::exists(keys() / "seal.json"));
    std::filesystem::create_symlink(home_.path() / "elsewhere.json", keys() / "seal.json");
    EXPECT_EQ(reason(), "file.io");
    EXPECT_TRUE(std::filesystem::is_symlink(keys() / "seal.json")) << "no other seal is made";
}

TEST_F(UnsealTest, DropsItsOwnKeyFileWhenItOpensNothingAnyMore) {
    ASSERT_TRUE(unseal(settings_));
    const auto master = keys() / "master.key";
    EXPECT_EQ(own_key_opens(home_.path()), true);
    ASSERT_TRUE(drop_own_key(settings_));
    EXPECT_TRUE(std::filesystem::exists(master)) << "it opens the seal";
    const auto kept = read_file_at(master, 100).value();
    auto seal = vault::Seal::open(keys(), *protector_of(settings_)).value();
    const auto next = vault::passphrase_protector("correct horse battery staple");
    ASSERT_TRUE(seal.move_to(*next));
    EXPECT_EQ(own_key_opens(home_.path()), false);
    ASSERT_TRUE(drop_own_key(settings_));
    EXPECT_FALSE(std::filesystem::exists(master));
    ASSERT_TRUE(drop_own_key(settings_)) << "and again";
    // Back with another one, whoever has a copy of the first.
    ASSERT_TRUE(replace_own_key(settings_));
    ASSERT_TRUE(seal.move_to(*protector_of(settings_)));
    EXPECT_EQ(own_key_opens(home_.path()), true);
    EXPECT_NE(read_file_at(master, 100).value(), kept);
    EXPECT_EQ(reason(), "");
}

TEST_F(UnsealTest, KeepsItsOwnKeyFileWhereItIsInDoubt) {
    ASSERT_TRUE(unseal(settings_));
    ASSERT_EQ(::chmod((keys() / "master.key").c_str(), 0644), 0);
    EXPECT_EQ(drop_own_key(settings_).error().reason, "seal.key_open_to_others");
    ASSERT_EQ(::chmod((keys() / "master.key").c_str(), 0600), 0);
    std::ofstream(keys() / "seal.json") << "{";
    EXPECT_EQ(drop_own_key(settings_).error().reason, "seal.malformed");
    EXPECT_TRUE(std::filesystem::exists(keys() / "master.key"));
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

/// Unseals in a process of its own that a timer ends after so many microseconds.
void unseal_and_die(const Settings& settings, int microseconds) {
    const auto child = ::fork();
    if (child == 0) {
        const itimerval soon{
            .it_interval = {},
            .it_value = {.tv_sec = microseconds / 1'000'000, .tv_usec = microseconds % 1'000'000}};
        ::setitimer(ITIMER_REAL, &soon, nullptr);
        ::_exit(unseal(settings) ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}

// Ended anywhere while the keys of before are sealed, the next start has all of them. Between what came too early and what
// came too late is the middle of it, however fast the machine is.
TEST_F(UnsealTest, LosesNoKeyWhenItIsKilledWhileItSeals) {
    constexpr int count = 8, rounds_max = 200, halfway_wanted = 10;
    int early = 0, halfway = 0, late = 0;
    int too_early = 0, too_late = 1'000'000;
    for (int round = 0; round < rounds_max && halfway < halfway_wanted; ++round) {
        const TemporaryDirectory home;
        settings_.data_dir = home.path();
        auto store = pki::FileKeyStore::open(home.path() / "keys").value();
        const auto name = [](int i) { return "key-" + std::to_string(i); };
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(store.store(name(i), Secret("value " + std::to_string(i))));
        if (too_late - too_early < 10) {  // the machine was busy meanwhile
            too_early = 0;
            too_late = 1'000'000;
        }
        const int moment = std::max(1, std::midpoint(too_early, too_late));
        unseal_and_die(settings_, moment);
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
        if (sealed == 0) {
            ++early;
            too_early = moment;
        } else if (sealed == count) {
            ++late;
            too_late = moment;
        } else {
            ++halfway;
        }
        auto opened = unseal(settings_);
        ASSERT_TRUE(opened) << describe(opened.error());
        for (int i = 0; i < count; ++i)
            EXPECT_EQ(text_of(opened->keys->load(name(i))), "value " + std::to_string(i));
    }
    EXPECT_EQ(halfway, halfway_wanted) << early << " early, " << late << " late";
    EXPECT_GT(late, 0);
}

}  // namespace
}  // namespace gh::app
