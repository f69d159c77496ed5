#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "crypto/public_key.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// A key that signs. Immutable and safe to share among threads.
class PrivateKey {
 public:
    /// Takes a millisecond for curves and up to a second for RSA (2048 bits).
    [[nodiscard]] static PrivateKey generate(KeyKind kind);
    /// The key of RFC 8032 §5.1.5 that belongs to a seed; make one with Secret::random(32).
    /// @return `invalid_argument` "key.malformed" when the seed has not 32 bytes
    [[nodiscard]] static Result<PrivateKey> from_ed25519(const Secret& seed);

    /// What secret_pem() gave.
    /// @return `invalid_argument` with the reasons of read_private_key and of PublicKey
    [[nodiscard]] static Result<PrivateKey> from_pem(std::string_view pem);

    [[nodiscard]] PublicKey public_key() const;
    /// PKCS #8, not encrypted. For a KeyStore and nothing else.
    [[nodiscard]] Secret secret_pem() const;
    /// @return  the signature as JOSE carries it, or `invalid_argument` "key.algorithm" when it
    /// does not fit the key
    [[nodiscard]] Result<std::vector<std::uint8_t>> sign(SignatureAlgorithm algorithm,
                                                         Bytes message) const;

 private:
    PrivateKey(std::shared_ptr<evp_pkey_st> key, KeyKind kind)
        : key_(std::move(key)), kind_(kind) {}

    std::shared_ptr<evp_pkey_st> key_;
    KeyKind kind_;
};

}  // namespace gh::crypto
