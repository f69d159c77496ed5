#include "crypto/xaes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "codec/hex.hpp"
#include "crypto/aes_block.hpp"
#include "crypto/openssl.hpp"

namespace gh::crypto {
namespace {

Xaes cipher(std::uint8_t octet) {
    return Xaes::of_key(Secret(std::string(Xaes::key_bytes, static_cast<char>(octet)))).value();
}

Xaes::Nonce nonce_of(Bytes bytes) {
    Xaes::Nonce nonce;
    std::ranges::copy(bytes, nonce.begin());
    return nonce;
}

std::string hex(std::string_view text) { return codec::encode_hex(text); }

// The two vectors of https://c2sp.org/XAES-256-GCM: the top bit of L clear, and set.
TEST(Xaes, MakesWhatTheSpecificationSays) {
    const auto nonce = nonce_of(bytes_of("ABCDEFGHIJKLMNOPQRSTUVWX"));
    const auto text = bytes_of("XAES-256-GCM");
    EXPECT_EQ(hex(cipher(1).seal_with(nonce, text, {})),
              "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
    EXPECT_EQ(hex(cipher(3).seal_with(nonce, text, bytes_of("c2sp.org/XAES-256-GCM"))),
              "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
}

/// SHAKE128, all of it at once.
std::string shake128(std::string_view seed, std::size_t size) {
    const MdContextPtr context(EVP_MD_CTX_new());
    std::string out(size, '\0');
    must(EVP_DigestInit_ex2(context.get(), EVP_shake128(), nullptr) == 1 &&
             EVP_DigestUpdate(context.get(), seed.data(), seed.size()) == 1 &&
             EVP_DigestFinalXOF(context.get(), reinterpret_cast<std::uint8_t*>(out.data()), size) ==
                 1,
         "SHAKE128");
    return out;
}

/// What seal_with() makes, from OpenSSL's own CMAC instead of our subkey.
std::string by_cmac(Bytes key, const Xaes::Nonce& nonce, Bytes text, Bytes associated) {
    std::string derived;
    for (const char counter : {1, 2}) {
        std::string message{'\0', counter, 'X', '\0'};
        message += text_of(Bytes(nonce).first(12));
        std::uint8_t half[16];
        std::size_t size = 0;
        must(EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-256-CBC", nullptr, key.data(), key.size(),
                       bytes_of(message).data(), message.size(), half, sizeof half,
                       &size) != nullptr,
             "CMAC");
        derived += text_of(half);
    }
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    std::string out(text.size() + 16, '\0');
    auto* const at = reinterpret_cast<std::uint8_t*>(out.data());
    int done = 0;
    must(EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), bytes_of(derived).data(),
                             nonce.data() + 12, nullptr) == 1 &&
             EVP_EncryptUpdate(context.get(), nullptr, &done, associated.data(),
                               static_cast<int>(associated.size())) == 1 &&
             EVP_EncryptUpdate(context.get(), at, &done, text.data(),
                               static_cast<int>(text.size())) == 1 &&
             EVP_EncryptFinal_ex(context.get(), at + text.size(), &done) == 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, at + text.size()) == 1,
         "AES-256-GCM");
    return out;
}

// Keys, nonces and texts of every length to 255, drawn from one stream; the digest over all ciphertexts is the one that
// the implementations of others agree on.
TEST(Xaes, AgreesWithOthersOverTenThousandMessages) {
    constexpr int messages = 10'000;
    const auto drawn = shake128({}, std::size_t{messages} * (32 + 24 + 2 * 256));
    std::string_view rest = drawn;
    const auto draw = [&](std::size_t size) {
        const auto taken = rest.substr(0, size);
        rest.remove_prefix(size);
        return bytes_of(taken);
    };
    std::string all;
    for (int i = 0; i < messages; ++i) {
        const auto key = draw(Xaes::key_bytes);
        const auto nonce = nonce_of(draw(Xaes::nonce_bytes));
        const auto text = draw(draw(1)[0]);
        const auto associated = draw(draw(1)[0]);
        const auto xaes = Xaes::of_key(Secret(key)).value();
        const auto sealed = xaes.seal_with(nonce, text, associated);
        ASSERT_EQ(sealed, by_cmac(key, nonce, text, associated));
        const auto opened = xaes.open(bytes_of(std::string(text_of(nonce)) + sealed), associated);
        ASSERT_TRUE(opened);
        ASSERT_EQ(text_of(opened->bytes()), text_of(text));
        all += sealed;
    }
    EXPECT_EQ(hex(shake128(all, 32)),
              "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

TEST(Xaes, RefusesWhatWasChangedAnywhereOrCutOff) {
    const auto xaes = cipher(7);
    const auto place = bytes_of("kind/path/1");
    const auto sealed = xaes.seal(bytes_of("a secret"), place);
    ASSERT_TRUE(xaes.open(bytes_of(sealed), place));
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        auto changed = sealed;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
        const auto opened = xaes.open(bytes_of(changed), place);
        ASSERT_FALSE(opened) << bit;
        EXPECT_EQ(opened.error().reason, "xaes.open");
    }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        EXPECT_FALSE(xaes.open(bytes_of(sealed).first(size), place)) << size;
    EXPECT_FALSE(xaes.open(bytes_of(sealed + "x"), place));
    EXPECT_FALSE(xaes.open(bytes_of(sealed), bytes_of("kind/path/2")));
    EXPECT_FALSE(xaes.open(bytes_of(sealed), {}));
    EXPECT_FALSE(cipher(8).open(bytes_of(sealed), place));
}

TEST(Xaes, SealsNothingToo) {
    const auto xaes = cipher(7);
    const auto sealed = xaes.seal({}, {});
    EXPECT_EQ(sealed.size(), Xaes::overhead_bytes);
    const auto opened = xaes.open(bytes_of(sealed), {});
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->empty());
    EXPECT_NE(xaes.seal({}, {}), sealed);
}

TEST(Xaes, WantsKeysOfTheirSize) {
    for (const std::size_t size : {0, 16, 31, 33}) {
        const auto made = Xaes::of_key(Secret(std::string(size, 'x')));
        ASSERT_FALSE(made) << size;
        EXPECT_EQ(made.error().reason, "xaes.key");
    }
}

TEST(AesBlock, TakesNoOtherKeyThanOneOf256Bits) {
    std::array<std::uint8_t, aes_block_bytes> block{};
    for (const std::size_t size : {0, 16, 24, 31, 33}) {
        const Secret key(std::string(size, 'x'));
        EXPECT_THROW(encrypt_aes_256_blocks(key, block), std::logic_error) << size;
    }
}

}  // namespace
}  // namespace gh::crypto
