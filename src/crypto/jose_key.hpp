#pragma once

#include "base/error.hpp"
#include "codec/jose.hpp"
#include "codec/jwk.hpp"
#include "crypto/hmac.hpp"
#include "crypto/public_key.hpp"

// From JOSE's words to our keys.

namespace gh::crypto {

/// Of a symmetric algorithm.
[[nodiscard]] HmacHash hash_of(codec::JoseAlgorithm algorithm);
/// Of an asymmetric one.
[[nodiscard]] SignatureAlgorithm signature_of(codec::JoseAlgorithm algorithm);

/// @return `invalid_argument` with the reasons of PublicKey; "key.unsupported" for another curve, and for a secret
[[nodiscard]] Result<PublicKey> public_key_of(const codec::Jwk& key);

}  // namespace gh::crypto
