#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/hashing.hpp"
#include "crypto/secret.hpp"

struct evp_pkey_st;

namespace gh::crypto {

enum class KeyPairKind : std::uint8_t {
    ed25519,
    ecdsa_p256,
    ecdsa_p384,
    ecdsa_p521,
    rsa_2048,
    rsa_3072,
    rsa_4096
};
[[nodiscard]] constexpr bool is_rsa(KeyPairKind kind) { return kind >= KeyPairKind::rsa_2048; }
[[nodiscard]] constexpr bool is_ecdsa(KeyPairKind kind) {
    return kind > KeyPairKind::ed25519 && kind < KeyPairKind::rsa_2048;
}

/// How something is signed, as far as its key leaves a choice.
struct SignatureForm {
    /// Of the digest that is signed; nothing: PKCS #1 v1.5 says none.
    std::optional<Hash> hash = Hash::sha2_256;
    bool is_pss = true;  ///< RSA: else PKCS #1 v1.5 (RFC 8017 §8.1, §8.2)
    enum class Salt : std::uint8_t { most, as_hash, counted };
    Salt salt = Salt::most;       ///< of PSS; when verified, `most` takes any
    std::int32_t salt_bytes = 0;  ///< where it is counted
    bool is_raw = false;          ///< ECDSA: r and s side by side (RFC 7518 §3.4), else DER
};

/// A private key with whose choices a caller may do more than JOSE knows; PrivateKey is for tokens. Immutable, and safe to share
/// among threads.
class KeyPair {
 public:
    /// RSA takes up to seconds.
    [[nodiscard]] static KeyPair generate(KeyPairKind kind);
    /// What secret_der() gave. @return `invalid_argument` "key.malformed"
    [[nodiscard]] static Result<KeyPair> from_der(KeyPairKind kind, const Secret& der);
    /// Of a seed of 32 bytes (RFC 8032 §5.1.5).
    [[nodiscard]] static Result<KeyPair> from_ed25519(const Secret& seed);

    [[nodiscard]] KeyPairKind kind() const { return kind_; }
    /// PKCS #8.
    [[nodiscard]] Secret secret_der() const;
    /// "RSA PRIVATE KEY" or "EC PRIVATE KEY". @return `invalid_argument` "key.unsupported" for Ed25519
    [[nodiscard]] Result<Secret> secret_pem() const;
    /// Of Ed25519: the seed, 32 bytes.
    [[nodiscard]] Secret ed25519_seed() const;
    /// "PUBLIC KEY".
    [[nodiscard]] std::string public_pem() const;
    /// Of Ed25519: 32 bytes.
    [[nodiscard]] std::string ed25519_public() const;

    /// @param input  of Ed25519 the message; else its digest, or with RSA and no hash what is taken for one
    /// @return       `invalid_argument` "key.input": a digest of another length, one of nothing but zeros with ECDSA, or a salt
    ///               that this key has no room for
    [[nodiscard]] Result<std::string> sign(const SignatureForm& form, Bytes input) const;
    [[nodiscard]] bool verify(const SignatureForm& form, Bytes input, Bytes signature) const;

    /// RSA: OAEP with SHA-256 (RFC 8017 §7.1). @return `invalid_argument` "key.input": too long
    [[nodiscard]] Result<std::string> encrypt(Bytes text) const;
    /// @return `corrupt` "key.decrypt", whatever the reason
    [[nodiscard]] Result<Secret> decrypt(Bytes sealed) const;

 private:
    KeyPair(std::shared_ptr<evp_pkey_st> key, KeyPairKind kind)
        : key_(std::move(key)), kind_(kind) {}

    std::shared_ptr<evp_pkey_st> key_;
    KeyPairKind kind_;
};

}  // namespace gh::crypto
