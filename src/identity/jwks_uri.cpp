#include "identity/jwks_uri.hpp"

#include <algorithm>

#include "codec/host.hpp"

namespace gh::identity {

Result<JwksUri> parse_jwks_uri(std::string_view text) {
    const auto refuse = [] {
        return fail(ErrorKind::invalid_argument, "config.jwks_uri",
                    "is not an https URL, allowed: https://HOST/PATH, and http on loopback");
    };
    JwksUri uri;
    uri.tls = text.starts_with("https://");
    if (!uri.tls && !text.starts_with("http://")) return refuse();
    text.remove_prefix(uri.tls ? 8 : 7);

    const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
    if (!std::ranges::all_of(text, printable) || text.find_first_of("#\\") != text.npos)
        return refuse();
    const auto end = std::min(text.find_first_of("/?"), text.size());
    const auto host = codec::parse_host(text.substr(0, end));
    if (!host) return refuse();
    const bool loopback =
        host->address() ? host->address()->is_loopback() : host->name() == "localhost";
    if (!uri.tls && !loopback) return refuse();

    uri.host = host->name();
    uri.port = host->port().value_or(uri.tls ? 443 : 80);
    uri.authority = text.substr(0, end);
    uri.target = text.substr(end);
    if (!uri.target.starts_with('/')) uri.target.insert(0, 1, '/');
    return uri;
}

}  // namespace gh::identity
