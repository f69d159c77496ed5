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

/// Where http may lead: elsewhere than on this machine anybody on the way could read and answer.
enum class PlainHttp : std::uint8_t { loopback, anywhere };

/// "https://HOST[:PORT][/PATH][?QUERY]", and "http://" where it may lead there. No credentials, no fragment.
/// @return `invalid_argument` "url.malformed"
[[nodiscard]] Result<HttpsUrl> parse_https_url(std::string_view text,
                                               PlainHttp plain = PlainHttp::loopback);

}  // namespace gh::codec
