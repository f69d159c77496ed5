#include "crypto/hkdf.hpp"

#include <gtest/gtest.h>

#include "codec/hex.hpp"

namespace gh::crypto {
namespace {

// RFC 5869, appendix A.1 to A.3.
TEST(Hkdf, MakesWhatTheRfcSays) {
    std::string ikm, salt, info;
    for (int i = 0; i < 0x50; ++i) {
        ikm += static_cast<char>(i);
        salt += static_cast<char>(0x60 + i);
        info += static_cast<char>(0xb0 + i);
    }
    const std::string same(22, '\x0b');
    const struct {
        std::string material, salt, info, derived;
    } cases[] = {
        {same, codec::decode_hex("000102030405060708090a0b0c").value(),
         codec::decode_hex("f0f1f2f3f4f5f6f7f8f9").value(),
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
        {ikm, salt, info,
         "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65"
         "e59"
         "0e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"},
        {same, "", "",
         "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
    };
    for (const auto& each : cases) {
        const auto derived = hkdf_sha256(Secret(each.material), bytes_of(each.salt), each.info,
                                         each.derived.size() / 2);
        EXPECT_EQ(codec::encode_hex(text_of(derived.bytes())), each.derived);
    }
}

}  // namespace
}  // namespace gh::crypto
