#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// Ciphers that also authenticate, with nonces of 96 bits and tags of 128: NIST SP 800-38D, RFC 8439. Random nonces are good for
/// 2^32 messages under one key; what must last longer takes Xaes.
enum class Aead : std::uint8_t { aes_128_gcm, aes_256_gcm, chacha20_poly1305 };

inline constexpr std::size_t aead_nonce_bytes = 12;
inline constexpr std::size_t aead_tag_bytes = 16;
inline constexpr std::size_t aead_text_bytes_max = std::size_t{1} << 30;

/// 16 or 32.
[[nodiscard]] std::size_t key_bytes(Aead cipher);

/// A new random nonce, the ciphertext, the tag.
/// @param key         of key_bytes(), or std::logic_error; so are texts beyond `aead_text_bytes_max`
/// @param associated  must be the same when it is opened; is not in what comes out
[[nodiscard]] std::string seal(Aead cipher, const Secret& key, Bytes text, Bytes associated);
/// With a nonce of the caller's, for vectors: ciphertext and tag. A nonce used twice gives away both texts.
[[nodiscard]] std::string seal_with(Aead cipher, const Secret& key, Bytes nonce, Bytes text,
                                    Bytes associated);
/// @return `corrupt` "aead.open" when it was not sealed so with this key: no more is told apart
[[nodiscard]] Result<Secret> open(Aead cipher, const Secret& key, Bytes sealed, Bytes associated);

}  // namespace gh::crypto
