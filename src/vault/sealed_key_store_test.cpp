#include "vault/sealed_key_store.hpp"

#include <gtest/gtest.h>

#include "base/temporary_directory.hpp"
#include "vault/testing.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;

class SealedKeyStoreTest : public testing::Test {
 protected:
    void SetUp() override { ASSERT_TRUE(Seal::make(home_.path(), *protector_)); }
    Seal seal() { return Seal::open(home_.path(), *protector_).value(); }
    Result<SealedKeyStore> open(int writes_left = -1) {
        std::vector<std::string> names;
        for (const auto& [name, value] : values_) names.push_back(name);
        auto files = std::make_unique<MemoryKeyStore>(values_);
        files->writes_left = writes_left;
        auto opened = seal();
        return SealedKeyStore::open(std::move(files), names, opened);
    }
    static std::string text_of(const Result<Secret>& loaded) {
        return loaded ? std::string(crypto::text_of(loaded->bytes())) : describe(loaded.error());
    }

    TemporaryDirectory home_;
    std::unique_ptr<Protector> protector_ = key_protector(key_text());
    MemoryKeyStore::Values values_;
};

TEST_F(SealedKeyStoreTest, KeepsNothingInPlain) {
    auto store = open().value();
    EXPECT_EQ(store.load("ca-root").error().reason, "key_store.absent");
    ASSERT_TRUE(store.store("ca-root", Secret("a private key")));
    EXPECT_TRUE(values_["ca-root"].starts_with(SealedKeyStore::magic));
    EXPECT_FALSE(values_["ca-root"].contains("private"));
    EXPECT_EQ(text_of(open()->load("ca-root")), "a private key");
    EXPECT_EQ(store.store("x", Secret(std::string(crypto::KeyStore::value_bytes_max + 1, 'x')))
                  .error()
                  .reason,
              "key_store.too_long");
}

TEST_F(SealedKeyStoreTest, SealsTheKeysOfBeforeAndThenTakesNoMoreInPlain) {
    values_ = {{"ca-root", "root"}, {"leaf-public", "leaf"}};
    auto store = open().value();
    for (const auto& [name, value] : values_)
        EXPECT_TRUE(value.starts_with(SealedKeyStore::magic)) << name;
    EXPECT_EQ(text_of(store.load("ca-root")), "root");
    values_["planted"] = "by somebody else";
    values_["ca-root"] = "another root";
    auto again = open().value();
    EXPECT_EQ(again.load("planted").error().reason, "key_store.not_sealed");
    EXPECT_EQ(again.load("ca-root").error().reason, "key_store.not_sealed");
    EXPECT_EQ(text_of(again.load("leaf-public")), "leaf");
}

TEST_F(SealedKeyStoreTest, GoesOnWhereASealingWasCutShort) {
    values_ = {{"a", "1"}, {"b", "2"}, {"c", "3"}};
    for (const int writes : {0, 1, 0, 1}) {
        EXPECT_FALSE(open(writes));
        EXPECT_EQ(seal().keys_sealed(), false);
    }
    EXPECT_EQ(values_["c"], "3");
    auto store = open().value();
    EXPECT_EQ(text_of(store.load("a")) + text_of(store.load("b")) + text_of(store.load("c")),
              "123");
    EXPECT_EQ(seal().keys_sealed(), true);
}

TEST_F(SealedKeyStoreTest, RefusesWhatWasChangedRenamedOrOfAnotherHouse) {
    auto store = open().value();
    ASSERT_TRUE(store.store("a", Secret("1")));
    values_["b"] = values_["a"];
    EXPECT_EQ(store.load("b").error().reason, "key_store.unopened");
    values_["a"].back() ^= 1;
    EXPECT_EQ(store.load("a").error().reason, "key_store.unopened");
    values_["a"] = SealedKeyStore::magic;
    EXPECT_EQ(store.load("a").error().reason, "key_store.unopened");
    // A seal of another house beside keys of this one: the start is refused, nothing is made anew.
    std::filesystem::remove(home_.path() / Seal::file_name);
    ASSERT_TRUE(Seal::make(home_.path(), *protector_));
    EXPECT_EQ(open().error().reason, "key_store.unopened");
}

TEST_F(SealedKeyStoreTest, IsSealedAnewWithANewMasterKeyNameByName) {
    auto before = open().value();
    for (const auto* name : {"one", "two"}) ASSERT_TRUE(before.store(name, Secret(name)));
    const auto old = values_;
    auto renewed = seal();
    ASSERT_TRUE(renewed.begin_renewal(*protector_, {}));
    auto store = open().value();
    EXPECT_EQ(text_of(store.load("one")), "one") << "not sealed anew yet, and opens";
    EXPECT_EQ(store.renew("one"), true);
    EXPECT_NE(values_["one"], old.at("one"));
    const auto one = values_["one"];
    EXPECT_EQ(store.renew("one"), false) << "it is already";
    EXPECT_EQ(values_["one"], one);
    EXPECT_EQ(text_of(store.load("two")), "two");
    EXPECT_TRUE(before.load("two"));
    EXPECT_EQ(before.load("one").error().reason, "key_store.unopened");
    values_["one"].back() ^= 1;
    EXPECT_EQ(store.renew("one").error().reason, "key_store.unopened");
    values_["one"] = one;
    EXPECT_EQ(open(0)->renew("two").error().reason, "key_store.io");
    EXPECT_EQ(values_["two"], old.at("two"));
    EXPECT_EQ(open()->renew("two"), true);
    ASSERT_TRUE(renewed.end_renewal());
    for (const auto* name : {"one", "two"}) EXPECT_EQ(text_of(open()->load(name)), name);
    values_["one"] = old.at("one");
    EXPECT_EQ(open()->load("one").error().reason, "key_store.unopened") << "put back by somebody";
    values_ = old;
    EXPECT_EQ(open().error().reason, "key_store.unopened") << "nothing is made beside them";
}

}  // namespace
}  // namespace gh::vault
