#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "codec/jose.hpp"
#include "codec/json.hpp"
#include "codec/jwk.hpp"
#include "crypto/public_key.hpp"
#include "crypto/secret.hpp"

namespace gh::pki::acme {

inline constexpr std::size_t request_bytes_max = 64 * 1024;

/// Of requests. PSS is left out: the protocol's clients do not use it.
inline constexpr std::array signature_algorithms{
    codec::JoseAlgorithm::es256, codec::JoseAlgorithm::es384, codec::JoseAlgorithm::es512,
    codec::JoseAlgorithm::eddsa, codec::JoseAlgorithm::rs256};

/// What a flattened JWS (RFC 7515 §7.2.2) is used for: its protected header differs (RFC 8555).
enum class JwsUse : std::uint8_t {
    request,           ///< §6.2: a nonce, and either a key or the URL of an account
    key_change,        ///< §7.3.5: the new key and no nonce
    external_account,  ///< §7.3.4: HMAC by a key that `kid` names, and no nonce
};

/// A request taken apart and not yet believed.
struct Jws {
    codec::JoseAlgorithm algorithm{};
    std::optional<codec::Jwk> key;  ///< public; that, or
    std::string key_id;             ///< the URL of an account, or the id of an external key
    std::string nonce;
    std::string url;
    std::string payload;        ///< decoded; empty: POST-as-GET (§6.3)
    std::string signing_input;  ///< what was signed (RFC 7515 §5.1)
    std::string signature;

    /// @param by  any kind: one that does not fit the algorithm has not signed
    [[nodiscard]] bool signed_by(const crypto::PublicKey& by) const;
    [[nodiscard]] bool signed_by(const crypto::Secret& hmac_key) const;
};

/// Pure. No unprotected header, no extensions, one signature.
/// @return `invalid_argument` "acme.malformed", "acme.algorithm" (not one that this use may have), "acme.public_key" (none, a
///         private one, or one that cannot be read); the details are for the client
[[nodiscard]] Result<Jws> parse_jws(std::string_view json, JwsUse use);
/// The same of a JWS within a payload.
[[nodiscard]] Result<Jws> read_jws(const codec::json::Value& value, JwsUse use);

/// A public key in a JWK.
/// @return `invalid_argument` "acme.public_key", the detail for the client
[[nodiscard]] Result<codec::Jwk> read_account_key(const codec::json::Value& value);

/// SHA-256 of the key as RFC 7638 has it, base64url.
[[nodiscard]] std::string thumbprint_of(const codec::Jwk& key);

/// The key as the library has it.
/// @return `invalid_argument` "acme.public_key": weak, broken, or of a kind we do not take
[[nodiscard]] Result<crypto::PublicKey> public_key_of(const codec::Jwk& key);

}  // namespace gh::pki::acme
