#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

inline constexpr std::size_t authorization_bytes_max = 16 * 1024;

enum class AuthScheme : std::uint8_t { other, basic, bearer, dpop };

/// Credentials (RFC 9110 §11.4), taken apart. Views into the field value.
struct Authorization {
    AuthScheme scheme = AuthScheme::other;
    std::string_view scheme_text;
    std::string_view
        token;  ///< of the token68 kind; always so with Bearer, Basic and DPoP. Empty otherwise
    std::string_view parameters;  ///< what follows another scheme and is no token68, unread
};

/// One scheme and what belongs to it, apart by spaces. Bearer, Basic and DPoP take one token68 and
/// nothing else (RFC 6750 §2.1, RFC 7617 §2, RFC 9449 §7.1).
///
/// @param value  without surrounding white space
/// @return       `invalid_argument` "authorization.malformed", also for more than
/// `authorization_bytes_max`
[[nodiscard]] Result<Authorization> parse_authorization(std::string_view value);

}  // namespace gh::codec
