#include "crypto/xaes.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/id.hpp"
#include "crypto/openssl.hpp"
#include "crypto/secret_space.hpp"

namespace gh::crypto {
namespace {

constexpr std::size_t block_bytes = 16;
constexpr std::size_t salt_bytes = 12;  ///< of the nonce: half goes into the key, half to GCM
using Block = std::array<std::uint8_t, block_bytes>;

/// AES-256 of whole blocks, each by itself.
template <std::size_t N>
void encrypt_blocks(const Secret& key, std::array<std::uint8_t, N>& blocks) {
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0;
    must(context &&
             EVP_EncryptInit_ex2(context.get(), methods().aes_256_ecb, key.bytes().data(), nullptr,
                                 nullptr) == 1 &&
             EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
             EVP_EncryptUpdate(context.get(), blocks.data(), &done, blocks.data(),
                               static_cast<int>(N)) == 1,
         "encrypting a block");
}

/// Subkey K1 of CMAC (SP 800-38B §6.1): AES of zeros, doubled in GF(2^128), without a branch on secret bits.
Secret cmac_mask(const Secret& key) {
    Block l{};
    encrypt_blocks(key, l);
    Block doubled{};
    for (std::size_t i = 0; i < block_bytes; ++i) {
        const auto carried = i + 1 < block_bytes ? l[i + 1] >> 7 : 0;
        doubled[i] = static_cast<std::uint8_t>(l[i] << 1 | carried);
    }
    doubled[block_bytes - 1] ^= static_cast<std::uint8_t>(0x87 & -(l[0] >> 7));
    Secret mask{Bytes(doubled)};
    wipe(l.data(), l.size());
    wipe(doubled.data(), doubled.size());
    return mask;
}

int size_of(Bytes bytes) { return static_cast<int>(bytes.size()); }

std::unexpected<Error> not_sealed_so() {
    return fail(ErrorKind::corrupt, "xaes.open",
                "it was changed, or sealed with another key or for another place");
}

}  // namespace

Result<Xaes> Xaes::of_key(Secret key) {
    if (key.size() != key_bytes)
        return fail(ErrorKind::invalid_argument, "xaes.key", "a key has 32 bytes");
    return Xaes(std::move(key));
}

Xaes::Xaes(Secret key) : key_(std::move(key)), mask_(cmac_mask(key_)) {}

Secret Xaes::message_key(Bytes nonce) const {
    std::array<std::uint8_t, 2 * block_bytes> blocks{};
    for (std::uint8_t i = 0; i < 2; ++i) {
        auto* block = blocks.data() + i * block_bytes;
        block[1] = static_cast<std::uint8_t>(i + 1);  // the counter, 16 bits
        block[2] = 'X';
        std::ranges::copy(nonce.first(salt_bytes), block + 4);
        for (std::size_t at = 0; at < block_bytes; ++at) block[at] ^= mask_.bytes()[at];
    }
    encrypt_blocks(key_, blocks);
    Secret derived{Bytes(blocks)};
    wipe(blocks.data(), blocks.size());
    return derived;
}

std::string Xaes::seal(Bytes text, Bytes associated) const {
    Nonce nonce;
    random_bytes(nonce);
    return std::string(text_of(nonce)) + seal_with(nonce, text, associated);
}

std::string Xaes::seal_with(const Nonce& nonce, Bytes text, Bytes associated) const {
    if (text.size() > text_bytes_max || associated.size() > text_bytes_max)
        throw std::logic_error("too much to seal at once");
    const auto key = message_key(nonce);
    std::string out(text.size() + tag_bytes, '\0');
    auto* const begin = reinterpret_cast<std::uint8_t*>(out.data());
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0;
    must(context &&
             EVP_EncryptInit_ex2(context.get(), methods().aes_256_gcm, key.bytes().data(),
                                 nonce.data() + salt_bytes, nullptr) == 1 &&
             EVP_EncryptUpdate(context.get(), nullptr, &done, associated.data(),
                               size_of(associated)) == 1 &&
             EVP_EncryptUpdate(context.get(), begin, &done, text.data(), size_of(text)) == 1 &&
             EVP_EncryptFinal_ex(context.get(), begin + text.size(), &done) == 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes,
                                 begin + text.size()) == 1,
         "sealing");
    return out;
}

Result<Secret> Xaes::open(Bytes sealed, Bytes associated) const {
    if (sealed.size() < overhead_bytes || sealed.size() > text_bytes_max + overhead_bytes ||
        associated.size() > text_bytes_max)
        return not_sealed_so();
    const auto nonce = sealed.first(nonce_bytes);
    const auto text = sealed.subspan(nonce_bytes, sealed.size() - overhead_bytes);
    std::array<std::uint8_t, tag_bytes> tag{};
    std::ranges::copy(sealed.last(tag_bytes), tag.begin());
    const auto key = message_key(nonce);
    SecretSpace opened(text.size());
    const CipherContextPtr context(EVP_CIPHER_CTX_new());
    int done = 0;
    std::uint8_t nothing = 0;
    must(context &&
             EVP_DecryptInit_ex2(context.get(), methods().aes_256_gcm, key.bytes().data(),
                                 nonce.data() + salt_bytes, nullptr) == 1 &&
             EVP_DecryptUpdate(context.get(), nullptr, &done, associated.data(),
                               size_of(associated)) == 1 &&
             EVP_DecryptUpdate(context.get(), opened.data(), &done, text.data(), size_of(text)) ==
                 1 &&
             EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) == 1,
         "opening");
    // Of GCM nothing is left over for the end but the verdict.
    if (EVP_DecryptFinal_ex(context.get(), &nothing, &done) != 1) {
        clear_errors();
        return not_sealed_so();
    }
    return opened.secret();
}

}  // namespace gh::crypto
