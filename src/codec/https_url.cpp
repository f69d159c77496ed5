#include "codec/https_url.hpp"

#include <algorithm>

#include "codec/host.hpp"

namespace gh::codec {

Result<HttpsUrl> parse_https_url(std::string_view text, PlainHttp plain) {
    const auto refuse = [] {
        return fail(ErrorKind::invalid_argument, "url.malformed",
                    "is not an https URL, allowed: https://HOST/PATH, and http on loopback");
    };
    HttpsUrl url;
    url.tls = text.starts_with("https://");
    if (!url.tls && !text.starts_with("http://")) return refuse();
    text.remove_prefix(url.tls ? 8 : 7);

    const auto printable = [](char c) { return c > 0x20 && c < 0x7f; };
    if (!std::ranges::all_of(text, printable) || text.find_first_of("#\\") != text.npos)
        return refuse();
    const auto end = std::min(text.find_first_of("/?"), text.size());
    const auto host = parse_host(text.substr(0, end));
    if (!host) return refuse();
    const bool loopback =
        host->address() ? host->address()->is_loopback() : host->name() == "localhost";
    if (!url.tls && !loopback && plain == PlainHttp::loopback) return refuse();

    url.host = host->name();
    url.port = host->port().value_or(url.tls ? 443 : 80);
    url.authority = text.substr(0, end);
    url.target = text.substr(end);
    if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
    return url;
}

}  // namespace gh::codec
