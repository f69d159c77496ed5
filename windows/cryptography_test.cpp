#include <gtest/gtest.h>

#include <span>

#include "base/id.hpp"
#include "codec/hex.hpp"
#include "crypto/aead.hpp"
#include "crypto/aes_block.hpp"
#include "crypto/xaes.hpp"

namespace gh::crypto {
namespace {

std::string octets(std::string_view hex) { return codec::decode_hex(hex).value(); }

TEST(WindowsAes, EncryptsBlocksAsTheStandardSays) {  // FIPS 197, C.3
    const Secret key(octets("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
    auto blocks = octets("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    encrypt_aes_256_blocks(key, {reinterpret_cast<std::uint8_t*>(blocks.data()), blocks.size()});
    const std::string block = "8ea2b7ca516745bfeafc49904b496089";
    EXPECT_EQ(codec::encode_hex(blocks), block + block);
}

/// Of "The Galois/Counter Mode of Operation" (McGrew, Viega), test cases 13 to 16.
TEST(WindowsAead, SealsAndOpensAsThePublishedVectors) {
    const std::string text =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e24"
        "49a6b525b16aedf5aa0de657ba637b391aafd255";
    const std::string sealed =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b10"
        "56828838c5f61e6393ba7a0abcc9f662898015ad";
    const std::string zeros(64, '0'),
        real = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
    const struct {
        std::string key, nonce, text, associated, sealed;
    } cases[] = {
        {zeros, std::string(24, '0'), "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
        {zeros, std::string(24, '0'), std::string(32, '0'), "",
         "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
        {real, "cafebabefacedbaddecaf888", text, "", sealed + "b094dac5d93471bdec1a502270e3cc6c"},
        {real, "cafebabefacedbaddecaf888", text.substr(0, 120),
         "feedfacedeadbeeffeedfacedeadbeefabaddad2",
         sealed.substr(0, 120) + "76fc6ece0f4e1768cddf8853bb2d551b"},
    };
    for (const auto& each : cases) {
        const Secret key(octets(each.key));
        const auto nonce = octets(each.nonce), plain = octets(each.text);
        const auto associated = octets(each.associated);
        const auto made = seal_with(Aead::aes_256_gcm, key, bytes_of(nonce), bytes_of(plain),
                                    bytes_of(associated));
        EXPECT_EQ(codec::encode_hex(made), each.sealed);
        const auto opened =
            open(Aead::aes_256_gcm, key, bytes_of(nonce + made), bytes_of(associated));
        ASSERT_TRUE(opened);
        EXPECT_EQ(text_of(opened->bytes()), plain);
    }
}

TEST(WindowsAead, OpensNothingThatWasChangedInAnyOctet) {
    const auto key = Secret::random(32);
    for (const std::size_t size : {0U, 1U, 16U, 40U}) {
        const std::string text(size, 't');
        const auto sealed = seal(Aead::aes_256_gcm, key, bytes_of(text), bytes_of("place"));
        ASSERT_TRUE(open(Aead::aes_256_gcm, key, bytes_of(sealed), bytes_of("place")));
        EXPECT_FALSE(open(Aead::aes_256_gcm, key, bytes_of(sealed), bytes_of("other")));
        for (std::size_t i = 0; i < sealed.size(); ++i) {
            auto changed = sealed;
            changed[i] ^= 1;
            EXPECT_FALSE(open(Aead::aes_256_gcm, key, bytes_of(changed), bytes_of("place"))) << i;
            EXPECT_FALSE(
                open(Aead::aes_256_gcm, key, bytes_of(sealed.substr(0, i)), bytes_of("place")));
        }
    }
}

/// https://c2sp.org/XAES-256-GCM, its second test vector.
TEST(WindowsXaes, MakesWhatTheSpecificationSays) {
    const auto xaes = Xaes::of_key(Secret(std::string(32, '\x03'))).value();
    Xaes::Nonce nonce{};
    std::ranges::copy(bytes_of("ABCDEFGHIJKLMNOPQRSTUVWX"), nonce.begin());
    const auto sealed =
        xaes.seal_with(nonce, bytes_of("XAES-256-GCM"), bytes_of("c2sp.org/XAES-256-GCM"));
    EXPECT_EQ(codec::encode_hex(sealed),
              "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

TEST(WindowsRandom, IsNotTheSameTwice) {
    std::array<std::uint8_t, 32> one{}, other{};
    random_bytes(one);
    random_bytes(other);
    EXPECT_NE(one, other);
}

}  // namespace
}  // namespace gh::crypto
