#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/temporary_directory.hpp"
#include "codec/base64.hpp"
#include "codec/hex.hpp"
#include "vault/protector.hpp"
#include "vault/testing.hpp"

namespace gh::vault {
namespace {

std::string reason_of(const Result<crypto::Secret>& key) {
    return key ? "" : std::string(key.error().reason);
}

TEST(ParseKey, ReadsTheSameKeyHoweverItIsWritten) {
    const auto bytes = codec::decode_hex(key_text()).value();
    const auto url = codec::encode_base64url(bytes);
    for (const auto& text :
         {key_text(), "  " + key_text() + "\r\n", codec::encode_base64(bytes), url, url + "="}) {
        const auto key = parse_key(text);
        ASSERT_TRUE(key) << text << describe(key.error());
        EXPECT_EQ(crypto::text_of(key->bytes()), bytes);
    }
}

TEST(ParseKey, RefusesWhatIsNoKeyOrNotRandomOrKnownToEverybody) {
    const auto base64 = [](const std::string& bytes) { return codec::encode_base64(bytes); };
    const struct {
        std::string text;
        std::string_view reason;
    } cases[] = {
        {"", "secret.empty"},
        {" \n", "secret.empty"},
        {key_text().substr(2), "seal.key_malformed"},
        {key_text() + "00", "seal.key_malformed"},
        {base64(std::string(31, 'x') + "y"), "secret.predictable"},
        {base64("ChangeMe-ChangeMe-ChangeMe-12345"), "secret.placeholder"},
        {"CHANGE_ME_IN_PRODUCTION", "secret.placeholder"},
        {std::string(64, '0'), "secret.predictable"},
    };
    for (const auto& each : cases)
        EXPECT_EQ(reason_of(parse_key(each.text)), each.reason) << each.text;
}

TEST(ParseKernelKey, TakesTheBytesThemselvesUnlessTheyAreNoKey) {
    const auto bytes = codec::decode_hex(key_text()).value();
    for (const auto& payload : {bytes, key_text(), codec::encode_base64(bytes) + "\n"}) {
        const auto key = parse_kernel_key(payload);
        ASSERT_TRUE(key) << describe(key.error());
        EXPECT_EQ(crypto::text_of(key->bytes()), bytes);
    }
    const struct {
        std::string payload;
        std::string_view reason;
    } cases[] = {
        {std::string(32, '\0'), "secret.predictable"},
        {"ChangeMe-ChangeMe-ChangeMe-12345", "secret.placeholder"},
        {key_text().substr(0, 32), "seal.key_malformed"},
        {bytes.substr(1), "seal.key_malformed"},
        {"", "secret.empty"},
    };
    for (const auto& each : cases)
        EXPECT_EQ(reason_of(parse_kernel_key(each.payload)), each.reason) << each.payload;
}

TEST(Credential, MayBeReadByAGroupAndChangedByNobody) {
    const TemporaryDirectory home;
    const auto file = home.path() / "vault-key";
    const crypto::Secret master(std::string(32, 'm'));
    std::ofstream(file) << key_text() << "\n";
    const auto protector = credential_protector(home.path(), "vault-key");
    for (const mode_t mode : {0400U, 0440U, 0600U}) {
        ASSERT_EQ(::chmod(file.c_str(), mode), 0);
        EXPECT_TRUE(protector->wrap(master)) << std::oct << mode;
    }
    for (const mode_t mode : {0460U, 0450U, 0444U, 0442U}) {
        ASSERT_EQ(::chmod(file.c_str(), mode), 0);
        const auto open = protector->wrap(master);
        EXPECT_EQ(open ? "" : open.error().reason, "seal.key_open_to_others") << std::oct << mode;
    }
    const auto outside = credential_protector({}, "vault-key")->wrap(master);
    ASSERT_FALSE(outside);
    EXPECT_EQ(outside.error().reason, "seal.key_missing");
    EXPECT_TRUE(outside.error().detail.contains("CREDENTIALS_DIRECTORY is not set"));
    EXPECT_TRUE(outside.error().detail.contains(
        "-p LoadCredentialEncrypted=vault-key:/etc/credstore.encrypted/vault-key"));
}

TEST(KeyFile, BelongsToUsOrToRoot) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    const TemporaryDirectory home;
    const auto file = home.path() / "master.key";
    std::ofstream(file) << key_text() << "\n";
    ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
    ASSERT_EQ(::chown(file.c_str(), 12'345, 12'345), 0);
    const auto theirs = key_file_protector(file)->wrap(crypto::Secret(std::string(32, 'm')));
    EXPECT_EQ(theirs ? "" : theirs.error().reason, "seal.key_owner");
}

TEST(KeyFile, SaysWhatToDoWhenItIsMissingOrReachedByOthers) {
    const TemporaryDirectory home;
    const auto file = home.path() / "master.key";
    const crypto::Secret master(std::string(32, 'm'));
    const auto protector = key_file_protector(file);
    const auto missing = protector->wrap(master);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().reason, "seal.key_missing");
    EXPECT_TRUE(missing.error().detail.contains("openssl rand -base64 32 > " + file.string()));
    std::ofstream(file) << key_text() << "\n";
    for (const mode_t mode : {0640U, 0604U, 0620U, 0610U}) {
        ASSERT_EQ(::chmod(file.c_str(), mode), 0);
        const auto open = protector->wrap(master);
        ASSERT_FALSE(open) << std::oct << mode;
        EXPECT_EQ(open.error().reason, "seal.key_open_to_others");
        EXPECT_TRUE(open.error().detail.contains("chmod 600"));
    }
    ASSERT_EQ(::chmod(file.c_str(), 0400), 0);
    EXPECT_TRUE(protector->wrap(master));
    ASSERT_EQ(::mkdir((home.path() / "folder").c_str(), 0700), 0);
    EXPECT_EQ(key_file_protector(home.path() / "folder")->wrap(master).error().reason,
              "seal.key_malformed");
}

TEST(KernelKeyring, SaysWhatToDoWhenTheKeyIsMissing) {
    const auto missing = kernel_keyring_protector("gatehouse-test-nobody-made-this")
                             ->wrap(crypto::Secret(std::string(32, 'm')));
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().reason, "seal.key_missing");
    EXPECT_TRUE(missing.error().detail.contains("keyctl padd user"));
}

}  // namespace
}  // namespace gh::vault
