#include <gtest/gtest.h>
#include <sys/stat.h>

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
