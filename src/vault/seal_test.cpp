#include "vault/seal.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/file.hpp"
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
    [[nodiscard]] SealFile file_of_seal() const {
        return parse_seal_file(
                   read_file_at(folder() / "seal.json", SealFile::bytes_max).value_or(""))
            .value();
    }
    void put(const SealFile& file) const {
        std::ofstream(folder() / "seal.json") << vault::text_of(file);
    }
    TemporaryDirectory home_;
};

TEST_F(SealTest, GivesTheNextProcessTheSameKeys) {
    EXPECT_EQ(Seal::exists(folder()), false);
    auto protector = key_protector(key_text());
    const auto made = Seal::make(folder(), *protector);
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_EQ(Seal::exists(folder()), true);
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
    EXPECT_TRUE(added.error().detail.contains("--withdraw"));
}

TEST_F(SealTest, NotesThatKeysAreSealedSoThatNobodyElseCan) {
    auto protector = key_protector(key_text());
    auto seal = Seal::make(folder(), *protector).value();
    EXPECT_EQ(seal.keys_sealed(), false);
    ASSERT_TRUE(seal.note_keys_sealed());
    EXPECT_EQ(open(key_protector(key_text()))->keys_sealed(), true);
    auto file = file_of_seal();
    file.keys_sealed = "forged";
    put(file);
    const auto forged = open(key_protector(key_text()))->keys_sealed();
    ASSERT_FALSE(forged) << "not as if they were not sealed yet";
    EXPECT_EQ(forged.error().reason, "seal.malformed");
    EXPECT_TRUE(forged.error().detail.contains("restore it from a backup"));
}

TEST_F(SealTest, IsMadeOnceOnly) {
    auto one = key_protector(key_text()), other = key_protector(key_text('C'));
    ASSERT_TRUE(Seal::make(folder(), *one));
    const auto again = Seal::make(folder(), *other);
    EXPECT_EQ(again ? "" : again.error().reason, "file.exists");
    EXPECT_TRUE(Seal::open(folder(), *one));
    const auto unknown = Seal::exists(folder() / "seal.json");  // no folder: nobody can tell
    EXPECT_EQ(unknown ? "" : unknown.error().reason, "file.io");
}

TEST_F(SealTest, OneRecipientThatIsDamagedKeepsNoOtherFromOpening) {
    auto protector = cheap_passphrase("correct horse battery staple");
    ASSERT_TRUE(Seal::make(folder(), *protector));
    auto file = file_of_seal();
    auto damaged = file.recipients.front();
    damaged.parameters.clear();
    file.recipients.insert(file.recipients.begin(), damaged);
    put(file);
    EXPECT_TRUE(Seal::open(folder(), *protector));
}

TEST_F(SealTest, WithdrawsOneRecoveryKeyAndNoOther) {
    auto first = key_protector(key_text());
    auto seal = Seal::make(folder(), *first).value();
    auto one = RecoveryKey::generate(), other = RecoveryKey::generate();
    const auto name = one.public_key();
    const auto ones = std::move(one).protector(), others = std::move(other).protector();
    ASSERT_TRUE(seal.add(*ones));
    ASSERT_TRUE(seal.add(*others));
    ASSERT_TRUE(seal.withdraw(name));
    EXPECT_EQ(Seal::open(folder(), *ones).error().reason, "seal.wrong_key");
    EXPECT_TRUE(Seal::open(folder(), *others));
    EXPECT_TRUE(Seal::open(folder(), *first));
    EXPECT_EQ(seal.withdraw(name).error().reason, "seal.no_such_recovery_key");
}

TEST_F(SealTest, TellsWhetherItIsSealedForSomebodyUnlessThatIsInDoubt) {
    auto protector = key_protector(key_text());
    ASSERT_TRUE(Seal::make(folder(), *protector));
    const auto opens = [&](const std::unique_ptr<Protector>& each) {
        return Seal::opens_with(folder(), *each);
    };
    EXPECT_EQ(opens(protector), true);
    EXPECT_EQ(opens(key_protector(key_text('C'))), false);
    EXPECT_EQ(opens(cheap_passphrase("correct horse battery staple")), false);
    EXPECT_EQ(opens(key_file_protector(folder() / "nowhere")), false);
    EXPECT_EQ(opens(key_file_protector(folder())).error().reason, "seal.key_malformed");
    std::ofstream(folder() / "seal.json") << "{";
    EXPECT_EQ(opens(protector).error().reason, "seal.malformed");
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
