#pragma once

#include <cstddef>
#include <utility>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// X25519 (RFC 7748 §5): two who know each other's public keys share a secret. Derive keys from it, never use it as one.
class X25519 {
 public:
    static constexpr std::size_t key_bytes = 32;

    [[nodiscard]] static X25519 generate();
    /// @return `invalid_argument` "x25519.key" when it has not 32 bytes
    [[nodiscard]] static Result<X25519> of_secret(Secret secret);

    [[nodiscard]] const Secret& secret() const { return secret_; }
    /// 32 bytes.
    [[nodiscard]] Bytes public_key() const { return public_.bytes(); }
    /// @return `invalid_argument` "x25519.key": not 32 bytes, or a point that makes every secret the same (RFC 7748 §6.1)
    [[nodiscard]] Result<Secret> shared_with(Bytes public_key) const;

 private:
    X25519(Secret secret, Secret public_key)
        : secret_(std::move(secret)), public_(std::move(public_key)) {}
    Secret secret_;
    Secret public_;  ///< no secret, but it moves like one
};

}  // namespace gh::crypto
