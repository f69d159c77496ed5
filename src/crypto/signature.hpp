#pragma once

// For the .cpp files of this room only: what a signature algorithm means to the library.

#include <cstddef>
#include <vector>

#include "crypto/hashing.hpp"
#include "crypto/openssl.hpp"
#include "crypto/public_key.hpp"

namespace gh::crypto {

[[nodiscard]] EVP_MD* method_of(Hash hash);

/// Null for Ed25519, which hashes by itself.
[[nodiscard]] EVP_MD* hash_of(SignatureAlgorithm algorithm);
[[nodiscard]] bool is_pss(SignatureAlgorithm algorithm);

/// Bytes of one coordinate: 32, 48 or 66.
[[nodiscard]] std::size_t coordinate_bytes(KeyKind curve);

/// Prepares padding: PSS wants a salt as long as the hash and MGF1 with the same hash (RFC 7518
/// §3.5).
[[nodiscard]] bool set_padding(EVP_PKEY_CTX* context, SignatureAlgorithm algorithm);

}  // namespace gh::crypto
