#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::identity {

/// Where an issuer publishes its keys, taken apart for whoever fetches them.
struct JwksUri {
    bool tls = true;
    std::string host;  ///< lower case, an address without brackets; what the certificate must name
    std::uint16_t port = 443;
    std::string authority;  ///< as written, for Host
    std::string target;     ///< path and query, at least "/"
};

/// "https://HOST[:PORT][/PATH][?QUERY]"; "http://" to a loopback address or localhost only, for there anybody on the way
/// could put keys of their own. No credentials, no fragment.
/// @return `invalid_argument` "config.jwks_uri"; the detail says what is allowed
[[nodiscard]] Result<JwksUri> parse_jwks_uri(std::string_view text);

}  // namespace gh::identity
