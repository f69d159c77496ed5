#include "identity/key_uses.hpp"

#include "storage/testing.hpp"

namespace gh::identity {
namespace {

using storage::run_to_end;

const SystemTime now{seconds(1'700'000'000)};

class KeyUsesTest : public storage::EngineTest {
 protected:
    void SetUp() override {
        EngineTest::SetUp();
        if (IsSkipped()) return;
        ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
        keys.emplace(*database, hasher);
    }
    std::string create() {
        const NewKey key{.name = "n",
                         .owner = "ann",
                         .subject = {},
                         .roles = {},
                         .scopes = {},
                         .expires_at = {}};
        return run_to_end(keys->create(key, now))->key.id;
    }
    std::shared_ptr<const ApiKeyHasher> hasher =
        std::make_shared<const ApiKeyHasher>(crypto::Secret::random(32));
    std::optional<KeyRepository> keys;
    KeyUses uses;
};
INSTANTIATE_TEST_SUITE_P(Engines, KeyUsesTest, storage::both_engines, storage::engine_name);

TEST_P(KeyUsesTest, WritesTheLastUseOfEachAndThenNothing) {
    const auto one = create(), other = create(), unused = create();
    uses.note(one, now + seconds(9));
    uses.note(one, now + seconds(3));
    uses.note(other, now + seconds(4));
    for (int i = 0; i < 2'500; ++i) uses.note("gone" + std::to_string(i), now);
    EXPECT_EQ(uses.size(), 2'502U);
    ASSERT_TRUE(run_to_end(uses.write(*keys)));
    EXPECT_EQ(uses.size(), 0U);
    EXPECT_EQ(run_to_end(keys->find(one))->last_used_at, now + seconds(9));
    EXPECT_EQ(run_to_end(keys->find(other))->last_used_at, now + seconds(4));
    EXPECT_FALSE(run_to_end(keys->find(unused))->last_used_at);
    EXPECT_TRUE(run_to_end(uses.write(*keys)));
}

TEST(KeyUses, KeepsWhatCouldNotBeWritten) {
    const storage::TestFolder folder;
    telemetry::Registry registry;
    storage::Observer observer(registry, nullptr, milliseconds(1'000));
    auto database = storage::open_sqlite(folder.path / "test.db", {}, observer).value();
    KeyRepository keys(*database, nullptr);
    KeyUses uses;
    uses.note("a", now);
    EXPECT_FALSE(run_to_end(uses.write(keys)));  // no such table
    uses.note("a", now - seconds(1));
    ASSERT_TRUE(run_to_end(storage::migrate(*database, storage::embedded_migrations(), now)));
    EXPECT_EQ(uses.size(), 1U);
    EXPECT_TRUE(run_to_end(uses.write(keys)));
    EXPECT_EQ(uses.size(), 0U);
}

TEST(KeyUses, RemembersOnlySoMany) {
    KeyUses uses;
    for (std::size_t i = 0; i <= KeyUses::keys_max; ++i) uses.note(std::to_string(i), now);
    EXPECT_EQ(uses.size(), KeyUses::keys_max);
}

}  // namespace
}  // namespace gh::identity
