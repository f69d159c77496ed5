#include "windows/dpapi_protector.hpp"

#include <gtest/gtest.h>

#include "codec/base64.hpp"
#include "vault/backend/store_recovery_key.hpp"
#include "windows/api.hpp"

namespace gh::windows {
namespace {

using crypto::Secret;
using crypto::text_of;
using vault::Recipient;

class DpapiProtectorTest : public testing::Test {
 protected:
    std::unique_ptr<vault::Protector> user = dpapi_protector();
    Secret master{std::string(32, 'm')};
    Recipient sealed = user->wrap(master).value();
};

TEST_F(DpapiProtectorTest, OpensWhatItSealed) {
    EXPECT_EQ(sealed.kind, "dpapi");
    EXPECT_EQ(text_of(user->unwrap(sealed)->bytes()), text_of(master.bytes()));
    const auto again = user->wrap(master).value();
    EXPECT_NE(again.sealed, sealed.sealed);
    EXPECT_NE(*again.parameter("blob"), *sealed.parameter("blob"));
    EXPECT_TRUE(user->name().starts_with("Windows DPAPI for the user ")) << user->name();
}

TEST_F(DpapiProtectorTest, OpensNothingThatWasChangedInAnyOctetOfTheBlobNorOfWhatIsSealed) {
    const auto blob = codec::decode_base64(*sealed.parameter("blob")).value();
    EXPECT_GT(blob.size(), 100U);
    for (std::size_t i = 0; i < blob.size(); ++i) {
        auto changed = blob;
        changed[i] ^= 1;
        auto recipient = sealed;
        recipient.parameters[0].second = codec::encode_base64(changed);
        EXPECT_FALSE(user->unwrap(recipient)) << i;
        recipient.parameters[0].second = codec::encode_base64(blob.substr(0, i));
        EXPECT_FALSE(user->unwrap(recipient)) << i;
    }
    for (std::size_t i = 0; i < sealed.sealed.size(); ++i) {
        auto recipient = sealed;
        recipient.sealed[i] ^= 1;
        EXPECT_EQ(user->unwrap(recipient).error().reason, "seal.wrong_key") << i;
    }
}

TEST_F(DpapiProtectorTest, TellsAWrongKeyFromAWindowsThatCannotSay) {
    const struct {
        unsigned long error;
        std::string_view reason;
    } cases[] = {
        {ERROR_INVALID_DATA, "dpapi.refused"},
        {static_cast<DWORD>(NTE_BAD_DATA), "dpapi.refused"},
        {static_cast<DWORD>(NTE_BAD_KEY), "dpapi.refused"},
        {static_cast<DWORD>(NTE_BAD_KEY_STATE), "dpapi.failed"},
        {ERROR_FILE_NOT_FOUND, "dpapi.failed"},
        {RPC_S_SERVER_UNAVAILABLE, "dpapi.failed"},
    };
    for (const auto& each : cases) {
        const auto error = not_unprotected(each.error).error();
        EXPECT_EQ(error.reason, each.reason) << each.error;
        EXPECT_TRUE(error.detail.contains("(" + std::to_string(each.error) + ")")) << error.detail;
        EXPECT_EQ(error.kind == ErrorKind::permission_denied, each.reason == "dpapi.refused");
    }
}

TEST_F(DpapiProtectorTest, TakesNoOtherBlobAndNoOtherKind) {
    auto recipient = sealed;
    recipient.parameters[0].second = *user->wrap(master)->parameter("blob");
    EXPECT_EQ(user->unwrap(recipient).error().reason, "seal.wrong_key");
    recipient = sealed;
    recipient.kind = "dpapi2";
    EXPECT_FALSE(user->unwrap(recipient));
    recipient = sealed;
    recipient.parameters.clear();
    EXPECT_EQ(user->unwrap(recipient).error().reason, "seal.malformed");
    recipient = vault::StoreRecoveryKey::generate().protector()->wrap(master).value();
    EXPECT_FALSE(user->unwrap(recipient));
}

}  // namespace
}  // namespace gh::windows
