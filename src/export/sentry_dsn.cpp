#include "export/sentry_dsn.hpp"

#include <algorithm>

#include "codec/https_url.hpp"

namespace gh::exporting {
namespace {

constexpr std::size_t part_bytes_max = 128;

/// Of a key and of a project: what stands in a header and in a path as it is.
bool plain_word(std::string_view text) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    };
    return !text.empty() && text.size() <= part_bytes_max && std::ranges::all_of(text, plain);
}

/// Of the path in front of the project: nothing that a proxy could read in two ways.
bool plain_path(std::string_view path) {
    return !path.contains(':') && !path.contains("//") && !path.ends_with("/") &&
           !path.contains("/.");
}

}  // namespace

Result<SentryDsn> parse_sentry_dsn(std::string_view text) {
    const auto refuse = [] {
        return fail(ErrorKind::invalid_argument, "sentry.dsn",
                    "is no DSN of Sentry, wanted: https://PUBLIC_KEY@HOST/PROJECT_ID");
    };
    if (text.size() > sentry_dsn_bytes_max) return refuse();
    const auto scheme = text.substr(0, text.starts_with("https://") ? 8 : 7);
    if (scheme != "https://" && scheme != "http://") return refuse();
    text.remove_prefix(scheme.size());
    const auto at = text.find('@');
    if (at == text.npos) return refuse();
    const auto keys = text.substr(0, at);
    const auto rest = text.substr(at + 1);
    const auto colon = std::min(keys.find(':'), keys.size());
    const auto secret = keys.substr(std::min(colon + 1, keys.size()));
    if (!plain_word(keys.substr(0, colon)) || !(secret.empty() || plain_word(secret)))
        return refuse();

    const auto slash = rest.rfind('/');
    if (slash == rest.npos || !plain_word(rest.substr(slash + 1))) return refuse();
    const auto place = rest.substr(0, slash);
    if (place.find_first_of("?#%;@") != place.npos) return refuse();
    if (!plain_path(place.substr(std::min(place.find('/'), place.size())))) return refuse();
    SentryDsn dsn;
    dsn.public_key = keys.substr(0, colon);
    dsn.url.append(scheme).append(place).append("/api/");
    dsn.url.append(rest.substr(slash + 1)).append("/envelope/");
    if (!codec::parse_https_url(dsn.url, codec::PlainHttp::anywhere)) return refuse();
    return dsn;
}

}  // namespace gh::exporting
