#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

inline constexpr std::size_t jws_bytes_max = 8192;

/// RFC 7518 §3.1 and RFC 8037 §3.1. `none` does not exist here.
enum class JoseAlgorithm : std::uint8_t {
    hs256,
    hs384,
    hs512,
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

/// "HS256", ...
[[nodiscard]] std::string_view name_of(JoseAlgorithm algorithm);
/// All of them, in the order above.
[[nodiscard]] std::span<const std::string_view> algorithm_names();
/// Case matters (RFC 7515 §4.1.1); nothing for names that are not ours.
[[nodiscard]] std::optional<JoseAlgorithm> algorithm_of(std::string_view name);
[[nodiscard]] constexpr bool is_symmetric(JoseAlgorithm algorithm) {
    return algorithm <= JoseAlgorithm::hs512;
}

/// A header that can be acted upon (RFC 7515 §4.1). Keys that a token brings along (jwk, jku, x5u,
/// x5c) are not read: whoever made the token made them too.
struct JoseHeader {
    JoseAlgorithm algorithm{};
    std::optional<std::string> key_id;
    std::string type;  ///< `typ` as written; empty when absent
};

/// A JWS in compact serialisation (RFC 7515 §3.1), decoded and not yet believed.
struct CompactJws {
    /// Never null. Shared with other tokens whose header reads the same.
    std::shared_ptr<const JoseHeader> header;
    /// As it came, a view into the token: what only one kind of token says is read where that is checked.
    std::string_view header_part;
    std::string payload;
    std::string signature;
    std::string_view signing_input;  ///< view into the token
};

/// @return `unauthenticated` with "jwt.malformed" (not three strict base64url parts, no JSON
/// header, a wrong type in
///         it, more than `jws_bytes_max`), "jwt.algorithm" (missing, `none` or unknown) or
///         "jwt.critical" (`crit` or `b64`: we understand no extension, so the token must be
///         refused, RFC 7515 §4.1.11)
[[nodiscard]] Result<CompactJws> parse_jws(std::string_view token);

}  // namespace gh::codec
