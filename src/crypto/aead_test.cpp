#include "crypto/aead.hpp"

#include <gtest/gtest.h>

#include <string_view>

#include "codec/hex.hpp"

namespace gh::crypto {
namespace {

std::string octets(std::string_view hex) { return codec::decode_hex(hex).value(); }

struct Vector {
    std::string_view origin;
    Aead cipher;
    std::string_view key, nonce, text, associated, sealed;  ///< hex; ciphertext and tag
};

constexpr std::string_view gcm_text =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b5"
    "25b16aedf5aa0de657ba637b39";
constexpr std::string_view gcm_associated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr Vector vectors[] = {
    {"McGrew and Viega, test case 4, as submitted to NIST", Aead::aes_128_gcm,
     "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", gcm_text, gcm_associated,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84"
     "aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    {"McGrew and Viega, test case 16", Aead::aes_256_gcm,
     "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     gcm_text, gcm_associated,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b105682"
     "8838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
    {"RFC 8439 2.8.2", Aead::chacha20_poly1305,
     "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", "070000004041424344454647",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a20496620492"
     "0"
     "636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f7220746865206675747572652c20737"
     "5"
     "6e73637265656e20776f756c642062652069742e",
     "50515253c0c1c2c3c4c5c6c7",
     "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da927"
     "2"
     "8b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b483"
     "1"
     "d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691"}};

TEST(Aead, SealsAndOpensAsThePublishedVectors) {
    for (const auto& each : vectors) {
        SCOPED_TRACE(each.origin);
        const Secret key(octets(each.key));
        const auto nonce = octets(each.nonce), text = octets(each.text);
        const auto associated = octets(each.associated);
        EXPECT_EQ(codec::encode_hex(seal_with(each.cipher, key, bytes_of(nonce), bytes_of(text),
                                              bytes_of(associated))),
                  each.sealed);
        const auto whole = nonce + octets(each.sealed);
        const auto opened = open(each.cipher, key, bytes_of(whole), bytes_of(associated));
        ASSERT_TRUE(opened);
        EXPECT_EQ(text_of(opened->bytes()), text);
    }
}

TEST(Aead, OpensNothingThatWasChangedInAnyOctet) {
    for (const auto cipher : {Aead::aes_128_gcm, Aead::aes_256_gcm, Aead::chacha20_poly1305}) {
        const auto key = Secret::random(key_bytes(cipher));
        const auto sealed = seal(cipher, key, bytes_of("text"), bytes_of("with it"));
        EXPECT_EQ(sealed.size(), 4 + aead_nonce_bytes + aead_tag_bytes);
        EXPECT_NE(seal(cipher, key, bytes_of("text"), bytes_of("with it")), sealed);
        ASSERT_TRUE(open(cipher, key, bytes_of(sealed), bytes_of("with it")));
        EXPECT_EQ(open(cipher, key, bytes_of(sealed), {}).error().reason, "aead.open");
        for (std::size_t at = 0; at < sealed.size(); ++at) {
            auto changed = sealed;
            changed[at] ^= 1;
            EXPECT_FALSE(open(cipher, key, bytes_of(changed), bytes_of("with it"))) << at;
            EXPECT_FALSE(open(cipher, key, bytes_of(sealed).first(at), bytes_of("with it"))) << at;
        }
        const auto nothing = seal(cipher, key, {}, {});
        EXPECT_TRUE(open(cipher, key, bytes_of(nothing), {}).value().empty());
    }
}

}  // namespace
}  // namespace gh::crypto
