#include "pki/internal_ca.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <fstream>
#include <thread>

#include "base/file.hpp"
#include "base/temporary_directory.hpp"
#include "pki/key_store.hpp"

namespace gh::pki {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;

const SystemTime noon = std::chrono::sys_days{2025y / 6 / 1} + 12h;

LeafRequest request_for(std::vector<std::string> dns) { return {.names = {.dns = std::move(dns)}}; }

class InternalCaTest : public ::testing::Test {
 protected:
    [[nodiscard]] FileKeyStore keys() const {
        return FileKeyStore::open(home_.path() / "keys").value();
    }
    [[nodiscard]] std::string exported() const {
        return read_file_at(home_.path() / "ca.pem", 100'000).value_or("");
    }
    [[nodiscard]] std::string_view reason_of_open() const {
        auto store = keys();
        const auto ca = InternalCa::open(store, home_.path(), noon);
        return ca ? "" : ca.error().reason;
    }

    TemporaryDirectory home_;
};

TEST_F(InternalCaTest, IsMadeOnceAndFoundAgain) {
    auto store = keys();
    const auto first = InternalCa::open(store, home_.path(), noon);
    ASSERT_TRUE(first) << describe(first.error());
    EXPECT_EQ(exported(), first->root().certificate_pem());
    struct stat facts{};
    ASSERT_EQ(::stat(first->certificate_file().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0644U);
    const auto second = InternalCa::open(store, home_.path(), noon + days{400});
    ASSERT_TRUE(second) << describe(second.error());
    EXPECT_EQ(second->root().fingerprint(), first->root().fingerprint());
}

TEST_F(InternalCaTest, ExportsItsCertificateAgainWhenThatIsLostOrChanged) {
    auto store = keys();
    const auto pem = InternalCa::open(store, home_.path(), noon).value().root().certificate_pem();
    std::filesystem::remove(home_.path() / "ca.pem");
    EXPECT_EQ(reason_of_open(), "") << "as if killed between the key and the certificate";
    EXPECT_EQ(exported(), pem);
    std::ofstream(home_.path() / "ca.pem") << "something else";
    EXPECT_EQ(reason_of_open(), "");
    EXPECT_EQ(exported(), pem);
}

TEST_F(InternalCaTest, IsNeverReplacedBehindItsClientsBacks) {
    auto store = keys();
    ASSERT_TRUE(InternalCa::open(store, home_.path(), noon));
    const auto key_file = home_.path() / "keys" / "ca-root";
    const auto secret = read_file_at(key_file, 100'000).value();
    ASSERT_TRUE(store.store("ca-root", crypto::Secret(secret.substr(0, secret.size() / 2))));
    EXPECT_EQ(reason_of_open(), "ca.unreadable");
    ASSERT_TRUE(store.store("ca-root", crypto::Secret("")));
    EXPECT_EQ(reason_of_open(), "ca.unreadable");
    ASSERT_EQ(::chmod(key_file.c_str(), 0644), 0);
    EXPECT_EQ(reason_of_open(), "key_store.open_to_others");
    std::filesystem::remove(key_file);
    EXPECT_EQ(reason_of_open(), "ca.key_lost");
    ASSERT_TRUE(store.store("ca-root", crypto::Secret(secret)));
    EXPECT_EQ(reason_of_open(), "") << "and comes back with its key";
}

TEST_F(InternalCaTest, KeepsALeafUntilAThirdOfItsLifeIsLeft) {
    auto store = keys();
    auto ca = InternalCa::open(store, home_.path(), noon).value();
    const auto request = request_for({"a.example", "b.example"});
    const auto first = ca.leaf("public", request, noon);
    ASSERT_TRUE(first) << describe(first.error());
    struct Case {
        SystemTime now;
        bool kept;
    };
    const auto due = first->not_after - (first->not_after - first->not_before) / 3;
    const Case cases[] = {{noon, true}, {due - 1s, true}, {first->not_before, true}, {due, false}};
    for (const auto& c : cases) {
        SCOPED_TRACE(c.now.time_since_epoch().count());
        const auto again = ca.leaf("public", request, c.now);
        ASSERT_TRUE(again) << describe(again.error());
        EXPECT_EQ(again->serial == first->serial, c.kept);
        if (c.kept) {
            EXPECT_EQ(again->key_pem, first->key_pem);
        }
        if (!c.kept) {
            EXPECT_EQ(again->not_after, c.now + days{90});
        }
    }
}

TEST_F(InternalCaTest, DoesNotGoOnWithALeafThatWasRevoked) {
    struct One final : access::CertificateRevocations {
        bool covers_serial(std::string_view serial) const override { return serial == revoked; }
        bool covers_authority(std::string_view) const override { return false; }
        std::string revoked;
    };
    One revocations;
    auto store = keys();
    auto ca = InternalCa::open(store, home_.path(), noon).value();
    ca.heed(revocations);
    const auto request = request_for({"a.example"});
    const auto first = ca.leaf("public", request, noon).value();
    EXPECT_EQ(ca.leaf("public", request, noon).value().serial, first.serial);
    revocations.revoked = first.serial;
    EXPECT_TRUE(ca.revoked(first.serial));
    const auto second = ca.leaf("public", request, noon).value();
    EXPECT_NE(second.serial, first.serial);
    EXPECT_NE(second.key_pem, first.key_pem);
    EXPECT_EQ(ca.leaf("public", request, noon).value().serial, second.serial);
}

TEST_F(InternalCaTest, TakesTurnsInTheFolderThatNodesShare) {
    auto store = keys();
    ASSERT_TRUE(InternalCa::open(store, home_.path(), noon));
    EXPECT_TRUE(std::filesystem::exists(home_.path() / "keys" / "ca.lock"));
    EXPECT_FALSE(std::filesystem::exists(home_.path() / "ca.lock"));
    EXPECT_FALSE(crypto::KeyStore::valid_name("ca.lock")) << "it is no key: backups pass it by";
}

TEST_F(InternalCaTest, MakesAnotherLeafWhenTheStoredOneWillNotDo) {
    auto store = keys();
    auto ca = InternalCa::open(store, home_.path(), noon).value();
    const auto request = request_for({"a.example", "b.example"});
    const auto first = ca.leaf("public", request, noon).value();

    const auto reordered = ca.leaf("public", request_for({"b.example", "a.example"}), noon).value();
    EXPECT_EQ(reordered.serial, first.serial)
        << "the same names in another order are the same names";
    const auto other_listener = ca.leaf("internal", request, noon).value();
    EXPECT_NE(other_listener.serial, first.serial);
    const auto fewer = ca.leaf("public", request_for({"a.example"}), noon).value();
    EXPECT_NE(fewer.serial, first.serial);
    const auto clock_set_back =
        ca.leaf("public", request_for({"a.example"}), noon - days{1}).value();
    EXPECT_NE(clock_set_back.serial, fewer.serial);

    ASSERT_TRUE(store.store("leaf-public", crypto::Secret("torn")));
    EXPECT_TRUE(ca.leaf("public", request, noon)) << "a leaf is not worth refusing to start";
    const auto stranger =
        Authority::create(RootRequest{}, noon).value().issue(request, noon).value();
    ASSERT_TRUE(store.store("leaf-public", crypto::Secret(stranger.key_pem + stranger.chain_pem)));
    EXPECT_NE(ca.leaf("public", request, noon).value().serial, stranger.serial);
}

TEST_F(InternalCaTest, IsTheSameForAllWhoStartAtOnce) {
    constexpr int starters = 6;
    std::vector<std::string> roots(starters);
    std::vector<std::string> leaves(starters);
    {
        std::barrier together(starters);
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < starters; ++i) {
            threads.emplace_back([&, i] {
                auto store = keys();  // of its own, as another process would
                together.arrive_and_wait();
                auto ca = InternalCa::open(store, home_.path(), noon);
                if (!ca) return;
                roots[i] = ca->root().fingerprint();
                leaves[i] = ca->leaf("public", request_for({"a.example"}), noon).value().serial;
            });
        }
    }
    for (std::size_t i = 0; i < starters; ++i) {
        EXPECT_FALSE(roots[i].empty());
        EXPECT_EQ(roots[i], roots[0]);
        EXPECT_EQ(leaves[i], leaves[0]);
    }
}

/// Kills itself at the n-th call that reaches the store: before the value is kept, or after.
class DeadlyKeyStore final : public crypto::KeyStore {
 public:
    DeadlyKeyStore(crypto::KeyStore& inner, int store_calls_left, bool after)
        : inner_(inner), store_calls_left_(store_calls_left), after_(after) {}
    Result<crypto::Secret> load(std::string_view name) override { return inner_.load(name); }
    Result<void> store(std::string_view name, const crypto::Secret& value) override {
        const bool last = --store_calls_left_ == 0;
        if (last && !after_) ::kill(::getpid(), SIGKILL);
        auto stored = inner_.store(name, value);
        if (last) ::kill(::getpid(), SIGKILL);
        return stored;
    }

 private:
    crypto::KeyStore& inner_;
    int store_calls_left_;
    bool after_;
};

TEST_F(InternalCaTest, StartsWhereverTheLastStartWasKilled) {
    for (int kill_at = 1; kill_at <= 3; ++kill_at) {
        for (const bool after : {false, true}) {
            SCOPED_TRACE(std::to_string(kill_at) + (after ? " after" : " before"));
            const TemporaryDirectory home;
            const auto child = ::fork();
            ASSERT_GE(child, 0);
            if (child == 0) {
                auto files = FileKeyStore::open(home.path() / "keys").value();
                DeadlyKeyStore store(files, kill_at, after);
                auto ca = InternalCa::open(store, home.path(), noon);
                if (ca) (void)ca->leaf("public", request_for({"a.example"}), noon);
                ::_exit(1);
            }
            int status = 0;
            ASSERT_EQ(::waitpid(child, &status, 0), child);
            ASSERT_TRUE(WIFSIGNALED(status));
            auto store = FileKeyStore::open(home.path() / "keys").value();
            auto ca = InternalCa::open(store, home.path(), noon);
            ASSERT_TRUE(ca) << describe(ca.error());
            EXPECT_EQ(read_file_at(home.path() / "ca.pem", 100'000).value(),
                      ca->root().certificate_pem());
            EXPECT_TRUE(ca->leaf("public", request_for({"a.example"}), noon));
        }
    }
}

TEST_F(InternalCaTest, ARenewalThatIsKilledHasRevokedAndReplacedOrNeither) {
    for (const bool after : {false, true}) {
        SCOPED_TRACE(after);
        const TemporaryDirectory home;
        auto store = FileKeyStore::open(home.path() / "keys").value();
        const auto before = InternalCa::open(store, home.path(), noon).value().issuer();
        const auto child = ::fork();
        ASSERT_GE(child, 0);
        if (child == 0) {
            DeadlyKeyStore deadly(store, 1, after);
            auto ca = InternalCa::open(deadly, home.path(), noon);
            if (ca) (void)ca->renew({.revoke = RevocationReason::key_compromise}, noon);
            ::_exit(1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
        const auto ca = InternalCa::open(store, home.path(), noon).value();
        const bool replaced = ca.issuer()->key_id() != before->key_id();
        EXPECT_EQ(replaced, after);
        EXPECT_EQ(ca.root_list()->revoked_keys(),
                  replaced ? std::vector{before->key_id()} : std::vector<std::string>{});
    }
}

TEST(RenewalDue, IsAtTwoThirdsOfALifeAndBeforeItBegins) {
    struct Case {
        SystemTime now;
        bool due;
    };
    const Case cases[] = {{noon - 1s, true},    {noon, false},        {noon + 59min, false},
                          {noon + 60min, true}, {noon + 90min, true}, {noon + 91min, true}};
    for (const auto& c : cases) {
        SCOPED_TRACE((c.now - noon) / 1s);
        EXPECT_EQ(renewal_due(noon, noon + 90min, c.now), c.due);
    }
}

}  // namespace
}  // namespace gh::pki
