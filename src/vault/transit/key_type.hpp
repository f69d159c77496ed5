#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/aead.hpp"
#include "crypto/key_pair.hpp"

namespace gh::vault::transit {

enum class KeyType : std::uint8_t {
    aes128_gcm96,
    aes256_gcm96,
    chacha20_poly1305,
    ed25519,
    ecdsa_p256,
    ecdsa_p384,
    ecdsa_p521,
    rsa_2048,
    rsa_3072,
    rsa_4096,
    hmac
};

/// "aes256-gcm96", as OpenBao calls it.
[[nodiscard]] std::string_view name_of(KeyType type);
[[nodiscard]] std::optional<KeyType> type_named(std::string_view name);

/// Nothing for key pairs and for hmac.
[[nodiscard]] std::optional<crypto::Aead> cipher_of(KeyType type);
/// Nothing where there is one key alone.
[[nodiscard]] std::optional<crypto::KeyPairKind> pair_of(KeyType type);

[[nodiscard]] bool encrypts(KeyType type);
[[nodiscard]] bool derives(KeyType type);
/// Its own operations cost milliseconds: not on a thread that others wait for.
[[nodiscard]] bool is_slow(KeyType type);

}  // namespace gh::vault::transit
