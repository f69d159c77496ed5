#include "vault/protector.hpp"

#include <gtest/gtest.h>
#include <linux/keyctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>

#include "base/temporary_directory.hpp"
#include "vault/testing.hpp"

namespace gh::vault {
namespace {

using crypto::Secret;
using crypto::text_of;

/// One kind of protector, and how to make one with this key or that.
struct Case {
    std::string name;
    std::string_view kind;
    std::function<std::unique_ptr<Protector>(const std::filesystem::path& folder, char seed)> make;
};

std::unique_ptr<Protector> key_file(const std::filesystem::path& folder, char seed) {
    const auto file = folder / std::string(1, seed);
    std::ofstream(file) << key_text(seed) << "\n";
    ::chmod(file.c_str(), 0600);
    return key_file_protector(file);
}

/// In this process's own keyring: nobody else sees it, and it goes with the process.
std::unique_ptr<Protector> in_kernel(const std::filesystem::path&, char seed) {
    const auto description = std::string("gatehouse-test-") + seed;
    const auto text = key_text(seed);
    if (::syscall(SYS_add_key, "user", description.c_str(), text.data(), text.size(),
                  KEY_SPEC_PROCESS_KEYRING) < 0)
        return nullptr;
    return kernel_keyring_protector(description);
}

/// One that knows only its own key, kept by seed.
std::unique_ptr<Protector> recovery(const std::filesystem::path& folder, char seed) {
    const auto file = folder / (std::string("recovery") + seed);
    if (!std::filesystem::exists(file)) {
        const auto text = RecoveryKey::generate().text();
        std::ofstream(file) << text_of(text.bytes());
    }
    std::string text;
    std::ifstream(file) >> text;
    return RecoveryKey::parse(text).value().protector();
}

class ProtectorContract : public testing::TestWithParam<Case> {
 protected:
    void SetUp() override {
        if (!make('A')) GTEST_SKIP() << "the kernel keeps no keys for us here (add_key)";
    }
    std::unique_ptr<Protector> make(char seed) { return GetParam().make(home_.path(), seed); }
    TemporaryDirectory home_;
    Secret master_{std::string(32, 'm')};
};

INSTANTIATE_TEST_SUITE_P(
    Kinds, ProtectorContract,
    testing::Values(Case{"KeyFile", "key", key_file},
                    Case{"Key", "key",
                         [](const auto&, char seed) { return key_protector(key_text(seed)); }},
                    Case{"KernelKeyring", "key", in_kernel}, Case{"Recovery", "recovery", recovery},
                    Case{"Passphrase", "passphrase",
                         [](const auto&, char seed) {
                             return cheap_passphrase(std::string("correct horse battery ") + seed);
                         }}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(ProtectorContract, OpensWhatItSealed) {
    const auto recipient = make('A')->wrap(master_);
    ASSERT_TRUE(recipient) << describe(recipient.error());
    EXPECT_EQ(recipient->kind, GetParam().kind);
    const auto opened = make('A')->unwrap(*recipient);
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_EQ(text_of(opened->bytes()), text_of(master_.bytes()));
}

TEST_P(ProtectorContract, SealsToOtherBytesEachTime) {
    const auto one = make('A')->wrap(master_), other = make('A')->wrap(master_);
    ASSERT_TRUE(one && other);
    EXPECT_NE(one->sealed, other->sealed);
    for (const auto& [name, value] : one->parameters) EXPECT_FALSE(value.empty()) << name;
}

TEST_P(ProtectorContract, DoesNotOpenWithAnotherKeyAndSaysWhose) {
    const auto recipient = make('A')->wrap(master_).value();
    const auto other = make('B');
    const auto opened = other->unwrap(recipient);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::permission_denied);
    EXPECT_EQ(opened.error().reason, "seal.wrong_key");
    EXPECT_TRUE(opened.error().detail.contains(other->name()));
}

TEST_P(ProtectorContract, DoesNotOpenWhatWasChanged) {
    const auto protector = make('A');
    const auto recipient = protector->wrap(master_).value();
    auto flipped = recipient;
    flipped.sealed[30] ^= 1;
    EXPECT_FALSE(protector->unwrap(flipped));
    auto shorter = recipient;
    shorter.sealed.clear();
    EXPECT_FALSE(protector->unwrap(shorter));
    auto more = recipient;
    more.parameters.emplace_back("more", "x");
    EXPECT_FALSE(protector->unwrap(more));
    for (std::size_t i = 0; i < recipient.parameters.size(); ++i) {
        auto without = recipient;
        without.parameters.erase(without.parameters.begin() + static_cast<std::ptrdiff_t>(i));
        EXPECT_FALSE(protector->unwrap(without)) << recipient.parameters[i].first;
    }
}

TEST(KeyProtectors, OpenWhatIsSealedForTheSameKeyWhereverItComesFrom) {
    const TemporaryDirectory home;
    const Secret master(std::string(32, 'm'));
    const auto recipient = key_file(home.path(), 'A')->wrap(master).value();
    EXPECT_TRUE(key_protector(key_text('A'))->unwrap(recipient));
}

TEST(PassphraseProtector, RefusesWhatIsSoonGuessedAndCostsNobodyCanBear) {
    const Secret master(std::string(32, 'm'));
    for (const auto* text : {"", "short", "CHANGE_ME_IN_PRODUCTION", "aaaaaaaaaaaaaaaaaaaaaaaa"}) {
        const auto wrapped = cheap_passphrase(text)->wrap(master);
        ASSERT_FALSE(wrapped) << text;
        EXPECT_TRUE(wrapped.error().reason.starts_with("secret.")) << wrapped.error().reason;
        EXPECT_TRUE(wrapped.error().detail.contains("vault.passphrase"));
    }
    const auto protector = cheap_passphrase("correct horse battery staple");
    const auto recipient = protector->wrap(master).value();
    for (const auto* number : {"4294967295", "0", "-1", "8x", "99999999999999"}) {
        auto dear = recipient;
        dear.parameters[1].second = number;
        EXPECT_EQ(protector->unwrap(dear).error().reason, "seal.malformed") << number;
    }
}

TEST(RecoveryKey, IsReadAsItIsShown) {
    const auto key = RecoveryKey::generate();
    const std::string text(text_of(key.text().bytes()));
    EXPECT_EQ(text.size(), RecoveryKey::prefix.size() + 43);
    for (const auto& typed : {text, text + "\r\n", "  " + text + "\t"})
        EXPECT_EQ(text_of(RecoveryKey::parse(typed)->text().bytes()), text);
    for (const auto& bad :
         {std::string(), text.substr(1), text + "A", text.substr(0, text.size() - 1),
          "gatehouse-recovery-" + std::string(43, '!')}) {
        EXPECT_EQ(RecoveryKey::parse(bad).error().reason, "seal.key_malformed") << bad;
    }
}

}  // namespace
}  // namespace gh::vault
