#include "crypto/xaes.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/id.hpp"
#include "crypto/aead.hpp"
#include "crypto/aes_block.hpp"

namespace gh::crypto {
namespace {

constexpr std::size_t block_bytes = aes_block_bytes;
constexpr std::size_t salt_bytes = 12;  ///< of the nonce: half goes into the key, half to GCM
using Block = std::array<std::uint8_t, block_bytes>;

/// Subkey K1 of CMAC (SP 800-38B §6.1): AES of zeros, doubled in GF(2^128), without a branch on secret bits.
Secret cmac_mask(const Secret& key) {
    Block l{};
    encrypt_aes_256_blocks(key, l);
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
    encrypt_aes_256_blocks(key_, blocks);
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
    return crypto::seal_with(Aead::aes_256_gcm, message_key(nonce),
                             Bytes(nonce).subspan(salt_bytes), text, associated);
}

Result<Secret> Xaes::open(Bytes sealed, Bytes associated) const {
    if (sealed.size() < overhead_bytes || sealed.size() > text_bytes_max + overhead_bytes ||
        associated.size() > text_bytes_max)
        return not_sealed_so();
    // The nonce's other half, ciphertext and tag are what AES-256-GCM makes of it.
    auto opened = crypto::open(Aead::aes_256_gcm, message_key(sealed.first(nonce_bytes)),
                               sealed.subspan(salt_bytes), associated);
    if (!opened) return not_sealed_so();
    return opened;
}

}  // namespace gh::crypto
