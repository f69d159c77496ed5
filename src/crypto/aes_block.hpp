#pragma once

#include <cstdint>
#include <span>

#include "crypto/secret.hpp"

namespace gh::crypto {

inline constexpr std::size_t aes_block_bytes = 16, aes_256_key_bytes = 32;

/// AES-256 (FIPS 197) of whole blocks, each by itself, in their place. No cipher for texts, but a part of such as Xaes.
/// @param key  32 bytes; throws std::logic_error for any other: a bug of ours
void encrypt_aes_256_blocks(const Secret& key, std::span<std::uint8_t> blocks);

}  // namespace gh::crypto
