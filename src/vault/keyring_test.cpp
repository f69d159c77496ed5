#include "vault/keyring.hpp"

#include "vault/rekey.hpp"
#include "vault/secret_testing.hpp"

namespace gh::vault {
namespace {

using storage::run_to_end;

class KeyringTest : public SecretsTest {
 protected:
    static crypto::Secret next_root() { return crypto::Secret(std::string(32, 'n')); }
    Result<RenewedKeys> renew(Keyring& keyring, storage::Also<RenewedKeys> also = {}) {
        return run_to_end(Rekey(*database, keyring).renew_keys(at(100), std::move(also)));
    }
    storage::Also<RenewedKeys> counted() {
        return {.before = {},
                .after = [this](storage::Session&, const RenewedKeys&) -> Task<Result<void>> {
                    ++told_;
                    co_return Result<void>{};
                }};
    }
    std::string value_by(Keyring& keyring, const std::string& path) {
        const auto opened = run_to_end(SecretRepository(*database, keyring).get(path, 0));
        if (!opened) return std::string(opened.error().reason);
        return std::string(crypto::text_of(opened->value->bytes()));
    }
    void sql(const std::string& text) {
        auto work = [text](storage::Session& session) { return session.script(text); };
        ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    }
    int told_ = 0;
};

TEST_P(KeyringTest, IsSealedWithANewRootOnceAndHasANewKeyThen) {
    ASSERT_TRUE(put("a", "1"));
    Keyring renewing(next_root(), root());
    EXPECT_EQ(value_by(renewing, "a"), "1") << "before it is sealed anew";
    const auto renewed = renew(renewing, counted());
    ASSERT_TRUE(renewed) << describe(renewed.error());
    EXPECT_EQ(renewed->sealed, 1U);
    EXPECT_EQ(renewed->made, 2U) << "what is sealed from now on has a key that nobody had before";
    EXPECT_TRUE(renewed->unopened.empty());
    const auto again = renew(renewing, counted());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sealed, 0U);
    EXPECT_EQ(again->made, 0U);
    EXPECT_EQ(told_, 2) << "each time, for others may have made what there is";
    Keyring next(next_root()), before(root());
    EXPECT_TRUE(run_to_end(next.check(*database)));
    EXPECT_EQ(value_by(next, "a"), "1");
    EXPECT_EQ(value_by(before, "a"), "keyring.sealed");
    EXPECT_EQ(run_to_end(before.check(*database)).error().reason, "keyring.sealed");
}

TEST_P(KeyringTest, HasAKeyOfTheNewRootWhereThereWasNone) {
    Keyring renewing(next_root(), root());
    const auto renewed = renew(renewing, counted());
    ASSERT_TRUE(renewed);
    EXPECT_EQ(renewed->made, 1U);
    EXPECT_EQ(told_, 1);
    EXPECT_EQ(run_to_end(keyring_.check(*database)).error().reason, "keyring.sealed");
}

TEST_P(KeyringTest, TakesNoKeyOfANodeThatHasNotHeardOfTheNewRoot) {
    ASSERT_TRUE(put("a", "1"));
    Keyring renewing(next_root(), root());
    ASSERT_TRUE(renew(renewing));
    EXPECT_EQ(reason(put("b", "2")), "keyring.sealed");
    EXPECT_EQ(reason(run_to_end(Rekey(*database, keyring_).begin(at(200)))), "keyring.sealed");
    Keyring next(next_root());
    EXPECT_TRUE(run_to_end(next.check(*database)));
}

TEST_P(KeyringTest, LeavesAnOlderKeyThatDoesNotOpenAndRefusesAnotherHouses) {
    ASSERT_TRUE(put("a", "1"));
    ASSERT_TRUE(run_to_end(Rekey(*database, keyring_).begin(at(50))));
    ASSERT_TRUE(put("b", "2"));
    sql("UPDATE vault_keys SET sealed = (SELECT sealed FROM vault_keys WHERE id = 2) WHERE id = 1");
    Keyring foreign(next_root(), crypto::Secret(std::string(32, 'f')));
    EXPECT_EQ(reason(renew(foreign, counted())), "keyring.sealed");
    EXPECT_EQ(told_, 0);
    Keyring renewing(next_root(), root());
    const auto renewed = renew(renewing);
    ASSERT_TRUE(renewed);
    EXPECT_EQ(renewed->sealed, 1U);
    EXPECT_EQ(renewed->unopened, std::vector<KeyId>{1});
    EXPECT_EQ(renewed->made, 3U);
    Keyring next(next_root());
    EXPECT_EQ(value_by(next, "b"), "2");
}

TEST_P(KeyringTest, IsAsItWasWhereItsRecordIsRefused) {
    ASSERT_TRUE(put("a", "1"));
    storage::Also<RenewedKeys> fails{
        .before = {}, .after = [](storage::Session&, const RenewedKeys&) -> Task<Result<void>> {
            co_return fail(ErrorKind::unavailable, "test.audit");
        }};
    Keyring renewing(next_root(), root());
    EXPECT_EQ(reason(renew(renewing, std::move(fails))), "test.audit");
    EXPECT_TRUE(run_to_end(keyring_.check(*database)));
    EXPECT_EQ(value("a"), "1");
}

INSTANTIATE_TEST_SUITE_P(Engines, KeyringTest, storage::both_engines, storage::engine_name);

}  // namespace
}  // namespace gh::vault
