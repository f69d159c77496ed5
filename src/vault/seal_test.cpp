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

TEST_F(SealTest, HasAnotherMasterKeyAfterARenewalAndKnowsTheFormerUntilItsEnd) {
    auto protector = key_protector(key_text());
    auto seal = Seal::make(folder(), *protector).value();
    ASSERT_TRUE(seal.note_keys_sealed());
    auto recovery = RecoveryKey::generate();
    const auto name = recovery.public_key();
    const auto recovering = std::move(recovery).protector();
    ASSERT_TRUE(seal.add(*recovering));
    EXPECT_FALSE(seal.renewing());
    EXPECT_FALSE(seal.former_key("x"));
    const auto old_key = text_of(seal.derived_key("x"));
    const auto old_file = file_of_seal();
    ASSERT_TRUE(seal.begin_renewal(*protector, {}));
    const auto new_key = text_of(seal.derived_key("x"));
    EXPECT_NE(new_key, old_key);
    for (auto* each : {protector.get(), recovering.get()}) {
        auto cut_short = Seal::open(folder(), *each);
        ASSERT_TRUE(cut_short) << describe(cut_short.error());
        EXPECT_TRUE(cut_short->renewing());
        EXPECT_EQ(text_of(cut_short->derived_key("x")), new_key);
        EXPECT_EQ(text_of(*cut_short->former_key("x")), old_key);
        EXPECT_EQ(cut_short->keys_sealed(), true);
        EXPECT_TRUE(cut_short->unproven().empty()) << "proven with the new one";
        ASSERT_TRUE(cut_short->begin_renewal(*protector, {}));
        EXPECT_EQ(text_of(cut_short->derived_key("x")), new_key) << "it goes on with that";
    }
    ASSERT_TRUE(seal.end_renewal());
    EXPECT_TRUE(file_of_seal().former.empty());
    for (auto* each : {protector.get(), recovering.get()}) {
        const auto opened = Seal::open(folder(), *each).value();
        EXPECT_FALSE(opened.renewing());
        EXPECT_EQ(text_of(opened.derived_key("x")), new_key);
    }
    EXPECT_EQ(*file_of_seal().recipients.back().parameter("public_key"), name);
    put(old_file);
    EXPECT_EQ(text_of(open(key_protector(key_text()))->derived_key("x")), old_key)
        << "what an older copy opens has nothing of the new one";
}

TEST_F(SealTest, NeedsOneProtectorAndRecoveryKeysThatAreItsOwnForARenewal) {
    auto protector = key_protector(key_text());
    auto seal = Seal::make(folder(), *protector).value();
    auto planted = RecoveryKey::generate();
    const std::vector<std::string> known{planted.public_key()};
    auto file = file_of_seal();
    // Nobody can open it with this one, until somebody seals a master key for it.
    file.recipients.push_back({.kind = "recovery",
                               .parameters = {{"public_key", known[0]}, {"ephemeral", known[0]}},
                               .sealed = "x"});
    put(file);
    auto opened = open(key_protector(key_text())).value();
    EXPECT_EQ(opened.unproven(), known);
    const auto refused = opened.begin_renewal(*protector, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "seal.recovery_unproven");
    EXPECT_TRUE(refused.error().detail.contains("--withdraw " + known[0]));
    EXPECT_EQ(file_of_seal(), file) << "nothing has changed";
    // A proof of another key, or of another master key, proves nothing.
    auto own = RecoveryKey::generate().protector();
    ASSERT_TRUE(opened.add(*own));
    file = file_of_seal();
    file.recipients[1].parameters.emplace_back("proof", *file.recipients[2].parameter("proof"));
    put(file);
    opened = open(key_protector(key_text())).value();
    EXPECT_EQ(opened.unproven(), known);
    ASSERT_TRUE(opened.begin_renewal(*protector, known));
    EXPECT_TRUE(opened.unproven().empty());
    EXPECT_TRUE(Seal::open(folder(), *std::move(planted).protector())) << "as was vouched for";
}

TEST_F(SealTest, NamesAllRecoveryKeysThatNothingProvesAtOnce) {
    auto protector = key_protector(key_text());
    auto seal = Seal::make(folder(), *protector).value();
    auto file = file_of_seal();
    std::vector<std::string> keys;
    for (int i = 0; i < 3; ++i) {
        keys.push_back(RecoveryKey::generate().public_key());
        file.recipients.push_back(
            {.kind = "recovery",
             .parameters = {{"public_key", keys.back()}, {"ephemeral", keys.back()}},
             .sealed = "x"});
    }
    put(file);
    EXPECT_FALSE(seal.is_current().value()) << "what it has read is not there any more";
    auto opened = open(key_protector(key_text())).value();
    EXPECT_TRUE(opened.is_current().value());
    const auto refused = opened.begin_renewal(*protector, std::span(keys).first(1));
    ASSERT_FALSE(refused);
    const auto& said = refused.error().detail;
    EXPECT_FALSE(said.contains(keys[0])) << "that one is vouched for";
    for (const auto& key : {keys[1], keys[2]}) {
        EXPECT_TRUE(said.contains("--keep-recovery-key " + key)) << said;
        EXPECT_TRUE(said.contains("--withdraw " + key)) << said;
    }
}

TEST_F(SealTest, IsAsItWasWhereTheNewMasterKeyCannotBeSealedOrItsFormerWasChanged) {
    auto protector = key_protector(key_text());
    auto seal = Seal::make(folder(), *protector).value();
    const auto before = file_of_seal();
    const auto lost = key_file_protector(folder() / "nowhere");
    EXPECT_EQ(seal.begin_renewal(*lost, {}).error().reason, "seal.key_missing");
    EXPECT_FALSE(seal.renewing());
    EXPECT_EQ(file_of_seal(), before);
    ASSERT_TRUE(seal.begin_renewal(*protector, {}));
    auto file = file_of_seal();
    file.former.back() = static_cast<char>(file.former.back() ^ 1);
    put(file);
    EXPECT_EQ(open(key_protector(key_text())).error().reason, "seal.malformed");
    // One that the master key of before had sealed for itself brings nothing back.
    file.former = before.recipients[0].sealed;
    put(file);
    EXPECT_EQ(open(key_protector(key_text())).error().reason, "seal.malformed");
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
