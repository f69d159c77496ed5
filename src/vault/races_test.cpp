#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <thread>

#include "storage/testing.hpp"
#include "vault/rekey.hpp"
#include "vault/secret_repository.hpp"

// Two nodes over one database, at the same moment.

namespace gh::vault {
namespace {

using storage::run_to_end;

crypto::Secret root() { return crypto::Secret(std::string(32, 'r')); }
SystemTime now() { return SystemTime(seconds(1'000)); }

/// With connections and a keyring of its own.
struct Node {
    std::unique_ptr<storage::Database> database;
    Keyring keyring{root()};

    Result<SecretChange> put(std::string path, const std::string& value,
                             std::optional<std::uint64_t> cas = {}) {
        SecretRepository secrets(*database, keyring);
        return run_to_end(secrets.put(std::move(path), crypto::Secret(value), cas, now()));
    }
    std::string value(std::string path) {
        SecretRepository secrets(*database, keyring);
        const auto opened = run_to_end(secrets.get(std::move(path), 0));
        return opened ? std::string(crypto::text_of(opened->value->bytes()))
                      : describe(opened.error());
    }
};

class VaultRaces : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(
            storage::migrate(*database, storage::embedded_migrations(), SystemTime(seconds(1)))));
    }
    /// Each on a thread of its own, let go together.
    void both(const std::function<void(Node&)>& one, const std::function<void(Node&)>& other) {
        std::barrier begin(2);
        const auto run = [&](const std::function<void(Node&)>& work) {
            Node node{.database = another()};
            begin.arrive_and_wait();
            work(node);
        };
        const std::jthread first([&] { run(one); }), second([&] { run(other); });
    }
    std::int64_t number(std::string_view text) {
        const storage::Statement statement{.name = "test.number", .sql = text};
        return run_to_end(database->query(statement)).value()[0].integer(0);
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, VaultRaces, storage::both_engines, storage::engine_name);

TEST_P(VaultRaces, OfTwoThatWriteOverTheSameVersionOneIsRight) {
    constexpr std::uint64_t rounds = 40;
    std::atomic<std::uint64_t> won = 0, lost = 0;
    std::barrier round(2);
    const auto write = [&](Node& node) {
        for (std::uint64_t version = 0; version < rounds; ++version) {
            round.arrive_and_wait();
            const auto put = node.put("a", std::to_string(version), version);
            if (put) {
                ++won;
                EXPECT_EQ(put->versions, std::vector<std::uint64_t>{version + 1});
            } else {
                ++lost;
                EXPECT_EQ(put.error().reason, "secret.cas") << describe(put.error());
            }
        }
    };
    both(write, write);
    EXPECT_EQ(won, rounds);
    EXPECT_EQ(lost, rounds);
    EXPECT_EQ(number("SELECT current_version FROM vault_secrets"), std::int64_t{rounds});
}

TEST_P(VaultRaces, TheFirstTwoSecretsAreSealedWithOneKey) {
    for (int round = 0; round < 10; ++round) {
        auto clear = [](storage::Session& session) {
            return session.script("DELETE FROM vault_secrets; DELETE FROM vault_keys;");
        };
        ASSERT_TRUE(run_to_end(database->write(std::move(clear))));
        const auto put = [](std::string path) {
            return [path = std::move(path)](Node& node) {
                const auto done = node.put(path, path);
                EXPECT_TRUE(done) << describe(done.error());
            };
        };
        both(put("a"), put("b"));
        EXPECT_EQ(number("SELECT count(*) FROM vault_keys"), 1);
        Node later{.database = another()};
        EXPECT_EQ(later.value("a"), "a");
        EXPECT_EQ(later.value("b"), "b");
    }
}

TEST_P(VaultRaces, WritesBesideAChangeOfTheDataKeyAreNotLostAndFailNobody) {
    constexpr int rekeys = 3, old_values = 120, written_max = 5'000;
    Node before{.database = another()};
    for (int i = 0; i < old_values; ++i) ASSERT_TRUE(before.put("old/" + std::to_string(i), "x"));
    std::atomic<bool> over = false;
    int written = 0;
    const auto change = [&](Node& node) {
        Rekey rekey(*node.database, node.keyring);
        for (int i = 0; i < rekeys; ++i) {
            const auto begun = run_to_end(rekey.begin(now()));
            EXPECT_TRUE(begun) << describe(begun.error());
            for (std::optional<RekeyPosition> after(std::in_place); after;) {
                const auto step = run_to_end(rekey.step(*after, now()));
                EXPECT_TRUE(step) << describe(step.error());
                EXPECT_TRUE(!step || step->unopened.empty());
                after = step ? step->next : std::nullopt;
            }
            const auto finished = run_to_end(rekey.finish());
            EXPECT_TRUE(finished) << describe(finished.error());
        }
        over = true;
    };
    const auto write = [&](Node& node) {
        for (; !over && written < written_max; ++written) {
            const auto name = std::to_string(written);
            const auto put = node.put("new/" + name, name);
            EXPECT_TRUE(put) << describe(put.error());
            EXPECT_EQ(node.value("old/" + std::to_string(written % old_values)), "x");
        }
    };
    both(change, write);
    EXPECT_GT(written, 0);
    Node later{.database = another()};
    for (int i = 0; i < written; ++i) {
        const auto name = std::to_string(i);
        ASSERT_EQ(later.value("new/" + name), name);
    }
    for (int i = 0; i < old_values; ++i) ASSERT_EQ(later.value("old/" + std::to_string(i)), "x");
}

}  // namespace
}  // namespace gh::vault
