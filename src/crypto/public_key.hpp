#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/bytes.hpp"

struct evp_pkey_st;

namespace gh::crypto {

/// Signatures as JOSE names them (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
enum class SignatureAlgorithm : std::uint8_t {
    rs256,
    rs384,
    rs512,
    ps256,
    ps384,
    ps512,
    es256,
    es384,
    es512,
    eddsa,
};

enum class KeyKind : std::uint8_t { rsa, ec_p256, ec_p384, ec_p521, ed25519 };

inline constexpr int rsa_bits_min = 2048;
inline constexpr int rsa_bits_max = 8192;  ///< verifying costs the square: a huge key is an attack

/// Can a key of this kind check such signatures at all? ES256 is P-256 only, and so on.
[[nodiscard]] bool fits(KeyKind kind, SignatureAlgorithm algorithm);

/// A key that checks signatures. Immutable, cheap to copy, safe to share among threads.
///
/// Every maker refuses weak and broken keys with `invalid_argument` and one of "key.malformed" (no
/// such key), "key.weak" (RSA below 2048 bits, even or tiny exponent, modulus of the ROCA kind),
/// "key.too_large", "key.off_curve" (not a point of the curve), "key.unsupported" (another kind).
class PublicKey {
 public:
    /// Big-endian modulus and exponent, as in a JWK's `n` and `e` (RFC 7518 §6.3.1).
    [[nodiscard]] static Result<PublicKey> from_rsa(Bytes modulus, Bytes exponent);
    /// Coordinates of exactly the curve's size (RFC 7518 §6.2.1).
    [[nodiscard]] static Result<PublicKey> from_ec(KeyKind curve, Bytes x, Bytes y);
    /// 32 bytes (RFC 8032 §5.1.2).
    [[nodiscard]] static Result<PublicKey> from_ed25519(Bytes key);
    /// "BEGIN PUBLIC KEY" (RFC 7468 §13); one key, at most 16 KiB.
    [[nodiscard]] static Result<PublicKey> from_pem(std::string_view pem);

    [[nodiscard]] KeyKind kind() const { return kind_; }
    /// What a JWK says of it, big-endian; empty what its kind has not.
    struct Components {
        std::string modulus, exponent;  ///< RSA
        std::string x, y;               ///< EC, as long as the curve's size; Ed25519 has x alone
    };
    [[nodiscard]] Components components() const;
    /// "BEGIN PUBLIC KEY".
    [[nodiscard]] std::string pem() const;
    /// What from_ed25519() takes.
    /// @return `invalid_argument` "key.unsupported" for a key of another kind
    [[nodiscard]] Result<std::array<std::uint8_t, 32>> ed25519_bytes() const;

    /// @param signature  as JOSE carries it: RSA of the modulus' size, EC as r and s of the curve's
    /// size each, Ed25519
    ///                   of 64 bytes. Any other length is wrong.
    /// @return           false for a wrong signature and for an algorithm that does not fit the key
    [[nodiscard]] bool verify(SignatureAlgorithm algorithm, Bytes message, Bytes signature) const;

 private:
    friend class PrivateKey;
    PublicKey(std::shared_ptr<evp_pkey_st> key, KeyKind kind) : key_(std::move(key)), kind_(kind) {}
    /// Judges a key that the library could read.
    [[nodiscard]] static Result<PublicKey> adopt(evp_pkey_st* key);

    std::shared_ptr<evp_pkey_st> key_;
    KeyKind kind_;
};

}  // namespace gh::crypto
