#include "storage/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "base/try.hpp"
#include "codec/host.hpp"
#include "codec/percent.hpp"

namespace gh::storage {
namespace {

constexpr std::size_t url_bytes_max = 4 * 1024;

constexpr std::array<std::pair<TlsMode, std::string_view>, 4> modes{{
    {TlsMode::disable, "disable"},
    {TlsMode::require, "require"},
    {TlsMode::verify_ca, "verify-ca"},
    {TlsMode::verify_full, "verify-full"},
}};

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "storage.url", std::move(detail));
}

bool plain(std::string_view text) {
    return std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

/// @param what  its name for the message; the value may be a password
Result<std::string> decoded(std::string_view text, std::string_view what) {
    auto value = codec::percent_decode(text);
    if (!value) return refuse(fmt::format("{} has a bad escape; write % as %25", what));
    if (!plain(*value)) return refuse(fmt::format("{} holds a control character", what));
    return value;
}

/// Cuts off what stands behind `mark`, and the mark.
std::optional<std::string_view> cut(std::string_view& text, char mark) {
    const auto at = text.find(mark);
    if (at == std::string_view::npos) return {};
    const auto behind = text.substr(at + 1);
    text = text.substr(0, at);
    return behind;
}

Result<void> read_user(std::string_view text, PostgresUrl& url) {
    const auto password = cut(text, ':');
    GH_TRY(url.user, decoded(text, "the user"));
    if (url.user.empty()) return refuse("no user: write postgresql://user@host/database");
    if (password) {
        GH_TRY(auto value, decoded(*password, "the password"));
        url.password = config::Secret(std::move(value));
    }
    return {};
}

Result<void> read_host(std::string_view text, PostgresUrl& url) {
    if (text.empty()) return {};
    const auto host = codec::parse_host(text);
    if (!host) return refuse("the host is no name, address or [address] with a port behind it");
    url.host = host->name();
    url.port = host->port().value_or(url.port);
    return {};
}

Result<void> read_mode(const std::string& value, PostgresUrl& url) {
    if (value == "allow" || value == "prefer")
        return refuse(fmt::format(
            "sslmode={} promises nothing; say verify-full, or spell out disable or require",
            value));
    const auto* found =
        std::ranges::find(modes, value, &std::pair<TlsMode, std::string_view>::second);
    if (found == modes.end())
        return refuse("sslmode is not disable, require, verify-ca or verify-full");
    url.tls = found->first;
    return {};
}

Result<void> read_parameter(std::string_view name, std::string value, PostgresUrl& url) {
    if (value.empty())
        return refuse(fmt::format("{} is empty; leave it out or give a value", name));
    if (name == "sslmode") return read_mode(value, url);
    if (name == "host") {
        if (!url.host.empty())
            return refuse("two hosts: one before the path, one in the parameters");
        if (!value.starts_with('/'))
            return refuse("host= takes the folder of a Unix socket: host=/run/postgresql");
    }
    constexpr std::array<std::pair<std::string_view, std::string PostgresUrl::*>, 5> texts{{
        {"host", &PostgresUrl::host},
        {"sslrootcert", &PostgresUrl::ca_file},
        {"sslcert", &PostgresUrl::certificate_file},
        {"sslkey", &PostgresUrl::key_file},
        {"application_name", &PostgresUrl::application_name},
    }};
    for (const auto& [known, member] : texts) {
        if (known != name) continue;
        url.*member = std::move(value);
        return {};
    }
    return refuse(
        "an unknown parameter; known are host, sslmode, sslrootcert, sslcert, sslkey and "
        "application_name");
}

Result<void> read_parameters(std::string_view text, PostgresUrl& url) {
    std::vector<std::string> seen;
    for (std::optional<std::string_view> rest = text; rest;) {
        auto one = *rest;
        rest = cut(one, '&');
        const auto value = cut(one, '=');
        if (!value) return refuse("a parameter without =; write sslmode=verify-full");
        GH_TRY(auto name, decoded(one, "a parameter's name"));
        GH_TRY(auto plain_value, decoded(*value, "a parameter"));
        if (std::ranges::find(seen, name) != seen.end())
            return refuse("a parameter stands there twice");
        GH_TRY_VOID(read_parameter(name, std::move(plain_value), url));
        seen.push_back(std::move(name));
    }
    return {};
}

/// Behind "postgresql://".
Result<StorageUrl> read_postgres(std::string_view text) {
    PostgresUrl url;
    if (text.contains('#')) return refuse("a # in the URL; write it as %23");
    const auto parameters = cut(text, '?');
    const auto path = cut(text, '/');
    const auto at = text.rfind('@');
    if (at == std::string_view::npos)
        return refuse("no user: write postgresql://user@host/database");
    if (text.substr(0, at).contains('@'))
        return refuse("an @ in user or password; write it as %40");
    GH_TRY_VOID(read_user(text.substr(0, at), url));
    GH_TRY_VOID(read_host(text.substr(at + 1), url));
    GH_TRY(url.database, decoded(path.value_or(""), "the database"));
    if (url.database.empty() || path->contains('/'))
        return refuse("no database: write postgresql://user@host/database");
    if (parameters) GH_TRY_VOID(read_parameters(*parameters, url));
    if (url.host.empty())
        return refuse("no host: write user@host, or host=/run/postgresql for a Unix socket");
    if (url.certificate_file.empty() != url.key_file.empty())
        return refuse("sslcert and sslkey belong together");
    return url;
}

}  // namespace

std::string_view name_of(TlsMode mode) { return modes[static_cast<std::size_t>(mode)].second; }

std::string PostgresUrl::redacted() const {
    if (unix_socket())
        return fmt::format("postgresql://{}@/{}?host={}", codec::percent_encode(user),
                           codec::percent_encode(database), codec::percent_encode(host));
    const bool brackets = host.contains(':');
    return fmt::format("postgresql://{}@{}{}{}:{}/{}?sslmode={}", codec::percent_encode(user),
                       brackets ? "[" : "", host, brackets ? "]" : "", port,
                       codec::percent_encode(database), name_of(tls));
}

std::string text_of(const StorageUrl& url) {
    if (const auto* sqlite = std::get_if<SqliteUrl>(&url)) return "sqlite:" + sqlite->file.native();
    const auto& postgres = std::get<PostgresUrl>(url);
    const PostgresUrl plain;
    auto text = postgres.redacted();
    const auto add = [&text](std::string_view name, const std::string& value,
                             const std::string& standard) {
        if (value != standard) text += fmt::format("&{}={}", name, codec::percent_encode(value));
    };
    add("sslrootcert", postgres.ca_file, plain.ca_file);
    add("sslcert", postgres.certificate_file, {});
    add("sslkey", postgres.key_file, {});
    add("application_name", postgres.application_name, plain.application_name);
    return text;
}

Result<StorageUrl> parse_storage_url(std::string_view text) {
    if (text.size() > url_bytes_max) return refuse("longer than 4 KiB");
    for (const std::string_view scheme : {"postgresql://", "postgres://"}) {
        if (text.starts_with(scheme)) return read_postgres(text.substr(scheme.size()));
    }
    constexpr std::string_view sqlite = "sqlite:";
    if (!text.starts_with(sqlite))
        return refuse("neither sqlite:PATH nor postgresql://user@host/database");
    const auto path = text.substr(sqlite.size());
    if (path.empty() || path.ends_with('/') || !plain(path))
        return refuse("no file: write sqlite:data/gatehouse.db");
    if (path.starts_with("//"))
        return refuse("a path has no host: write sqlite:/absolute/file or sqlite:relative/file");
    return SqliteUrl{path};
}

}  // namespace gh::storage
