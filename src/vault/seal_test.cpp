#include "vault/seal.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "base/temporary_directory.hpp"
#include "vault/testing.hpp"

namespace gh::vault {
namespace {

class SealTest : public testing::Test {
 protected:
    [[nodiscard]] std::filesystem::path folder() const { return home_.path(); }
    Result<Seal> open(std::unique_ptr<Protector> protector) const {
        return Seal::open(folder(), *protector);
    }
    static std::string text_of(const crypto::Secret& secret) {
        return std::string(crypto::text_of(secret.bytes()));
    }
    TemporaryDirectory home_;
};

TEST_F(SealTest, GivesTheNextProcessTheSameKeys) {
    EXPECT_FALSE(Seal::exists(folder()));
    auto protector = key_protector(key_text());
    const auto made = Seal::make(folder(), *protector);
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_TRUE(Seal::exists(folder()));
    struct stat facts{};
    ASSERT_EQ(::stat((folder() / "seal.json").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 07777, 0600U);
    const auto opened = open(key_protector(key_text()));
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_EQ(text_of(opened->derived_key("one")), text_of(made->derived_key("one")));
    EXPECT_NE(text_of(opened->derived_key("one")), text_of(made->derived_key("other")));
}

TEST_F(SealTest, SaysWhoCanOpenItWhenTheConfigurationNamesSomebodyElse) {
    auto protector = key_protector(key_text());
    ASSERT_TRUE(Seal::make(folder(), *protector));
    const auto other = open(cheap_passphrase("correct horse battery staple"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().reason, "seal.other_protector");
    EXPECT_TRUE(other.error().detail.contains("sealed for: key;")) << other.error().detail;
    EXPECT_TRUE(other.error().detail.contains("gatehouse secrets unseal"));
    EXPECT_EQ(open(key_protector(key_text('C'))).error().reason, "seal.wrong_key");
}

TEST_F(SealTest, MovesToAnotherProtectorAndKeepsRecoveryKeys) {
    auto first = key_protector(key_text());
    auto seal = Seal::make(folder(), *first).value();
    const auto key = text_of(seal.derived_key("x"));
    const auto recovery = text_of(RecoveryKey::generate().text());
    auto recovering = RecoveryKey::parse(recovery).value().protector();
    ASSERT_TRUE(seal.add(*recovering));
    auto second = cheap_passphrase("correct horse battery staple");
    ASSERT_TRUE(seal.move_to(*second));
    EXPECT_EQ(open(key_protector(key_text())).error().reason, "seal.other_protector");
    for (auto* each : {second.get(), recovering.get()}) {
        const auto opened = Seal::open(folder(), *each);
        ASSERT_TRUE(opened) << each->name();
        EXPECT_EQ(text_of(opened->derived_key("x")), key);
    }
}

TEST_F(SealTest, TellsRecoveryKeysApart) {
    auto first = key_protector(key_text());
    auto seal = Seal::make(folder(), *first).value();
    auto one = RecoveryKey::generate().protector(), other = RecoveryKey::generate().protector();
    ASSERT_TRUE(seal.add(*one));
    ASSERT_TRUE(seal.add(*other));
    EXPECT_TRUE(Seal::open(folder(), *one));
    EXPECT_TRUE(Seal::open(folder(), *other));
    EXPECT_EQ(open(RecoveryKey::generate().protector()).error().reason, "seal.wrong_key");
    Result<void> added;
    for (std::size_t i = 0; i < SealFile::recipients_max; ++i) added = seal.add(*one);
    EXPECT_EQ(added.error().reason, "seal.recipients");
}

TEST_F(SealTest, NotesThatKeysAreSealedSoThatNobodyElseCan) {
    auto protector = key_protector(key_text());
    auto seal = Seal::make(folder(), *protector).value();
    EXPECT_FALSE(seal.keys_sealed());
    ASSERT_TRUE(seal.note_keys_sealed());
    EXPECT_TRUE(open(key_protector(key_text()))->keys_sealed());
    auto file =
        parse_seal_file(std::string(std::istreambuf_iterator<char>(
                                        *std::make_unique<std::ifstream>(folder() / "seal.json")),
                                    {}))
            .value();
    file.keys_sealed = "forged";
    std::ofstream(folder() / "seal.json") << vault::text_of(file);
    EXPECT_FALSE(open(key_protector(key_text()))->keys_sealed());
}

TEST_F(SealTest, RefusesADamagedFileAndSaysWhatToDo) {
    std::ofstream(folder() / "seal.json") << "{\"version\":1,";
    const auto damaged = open(key_protector(key_text()));
    ASSERT_FALSE(damaged);
    EXPECT_EQ(damaged.error().reason, "seal.malformed");
    EXPECT_TRUE(damaged.error().detail.contains("restore it from a backup"));
}

}  // namespace
}  // namespace gh::vault
