#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "codec/jose.hpp"
#include "codec/json.hpp"

namespace gh::codec {

inline constexpr std::size_t jwk_set_bytes_max = 256 * 1024;
inline constexpr std::size_t jwk_set_keys_max = 128;

/// A JSON Web Key (RFC 7517) that may check signatures. Parts are decoded bytes; which are filled
/// depends on the type. Private parts are not read.
struct Jwk {
    enum class Type : std::uint8_t { rsa, ec, okp, oct };
    Type type{};
    std::optional<std::string> id;
    std::optional<JoseAlgorithm> algorithm;
    std::string curve;              ///< `crv` of ec and okp
    std::string modulus, exponent;  ///< `n`, `e`
    std::string x, y;               ///< of ec; `x` alone of okp
    std::string secret;             ///< `k` of oct: whoever takes it wipes it
};

/// Reads one key.
/// @return `invalid_argument` with "jwk.malformed" (a part missing, of the wrong type or no
/// base64url), "jwk.type"
///         (`kty` not ours), "jwk.algorithm" (`alg` not ours) or "jwk.use" (`use` is not "sig", or
///         `key_ops` lacks "verify": keys for encryption check no signatures, RFC 7517 §4.2, §4.3)
[[nodiscard]] Result<Jwk> read_jwk(const json::Value& value);

/// A key set (RFC 7517 §5): keys that are not for us are passed over and counted, as §5 wants, for
/// sets carry keys of kinds that come later.
struct JwkSet {
    std::vector<Jwk> keys;
    std::size_t passed_over = 0;
};

/// @return `invalid_argument` with "jwks.malformed" (no JSON object with an array `keys`),
/// "jwks.too_large",
///         "jwks.duplicate_id" (which of the two would be meant?) or "jwks.mixed" (symmetric beside
///         public keys: such a set cannot be both published and secret)
[[nodiscard]] Result<JwkSet> parse_jwk_set(std::string_view text);
/// The same of a value that was read already.
[[nodiscard]] Result<JwkSet> read_jwk_set(const json::Value& value);

/// Appends the key as a JSON object; `use` is "sig". Secrets are never written.
void append_jwk(std::string& out, const Jwk& key);

/// What its thumbprint is the SHA-256 of: the required members in order, without white space (RFC 7638 §3.2).
[[nodiscard]] std::string thumbprint_input(const Jwk& key);

}  // namespace gh::codec
