#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

/// Where something is that the house fetches by itself, taken apart for whoever dials.
struct HttpsUrl {
    bool tls = true;
    std::string host;  ///< lower case, an address without brackets; what the certificate must name
    std::uint16_t port = 443;
    std::string authority;  ///< as written, for Host
    std::string target;     ///< path and query, at least "/"
};

/// "https://HOST[:PORT][/PATH][?QUERY]"; "http://" to a loopback address or localhost only, for elsewhere anybody on the way
/// could answer. No credentials, no fragment.
/// @return `invalid_argument` "url.malformed"
[[nodiscard]] Result<HttpsUrl> parse_https_url(std::string_view text);

}  // namespace gh::codec
