#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"
#include "config/secret.hpp"

namespace gh::storage {

/// `sqlite:PATH`.
struct SqliteUrl {
    std::filesystem::path file;
    friend bool operator==(const SqliteUrl&, const SqliteUrl&) = default;
};

/// What the server must prove before it hears a password.
enum class TlsMode : std::uint8_t {
    disable,      ///< no TLS
    require,      ///< TLS with whoever answers; with an sslrootcert as verify_ca
    verify_ca,    ///< somebody whom the CA knows
    verify_full,  ///< the very host
};
[[nodiscard]] std::string_view name_of(TlsMode mode);

/// `postgresql://user@host/database`; `:password` behind the user, `:port` behind the host, parameters behind `?`.
struct PostgresUrl {
    std::string user;
    config::Secret password;
    std::string host;  ///< a name, an address without brackets, or the folder of a Unix socket
    std::uint16_t port = 5432;
    std::string database;
    TlsMode tls = TlsMode::verify_full;
    std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";  ///< sslrootcert
    std::string certificate_file;  ///< sslcert: our own, for servers that ask
    std::string key_file;          ///< sslkey
    std::string application_name = "gatehouse";

    [[nodiscard]] bool unix_socket() const { return host.starts_with('/'); }
    /// For logs: user, host, port, database and how it is proven, without the password.
    [[nodiscard]] std::string redacted() const;
    friend bool operator==(const PostgresUrl&, const PostgresUrl&) = default;
};

using StorageUrl = std::variant<SqliteUrl, PostgresUrl>;

/// As it is written, without the password: what parse_storage_url() takes.
[[nodiscard]] std::string text_of(const StorageUrl& url);

/// Reads `storage.url`, at most 4 KiB. Parts are percent-decoded (RFC 3986 §2.1; in a path of SQLite nothing is). Of the
/// parameters of PostgreSQL it takes `host` (the folder of a Unix socket, where the authority names no host), `sslmode`
/// (`disable`, `require`, `verify-ca`, `verify-full`; not `allow` and `prefer`, which promise nothing), `sslrootcert`,
/// `sslcert`, `sslkey` and `application_name`, each once.
///
/// @return `invalid_argument` "storage.url"; the detail never holds a password
[[nodiscard]] Result<StorageUrl> parse_storage_url(std::string_view text);

}  // namespace gh::storage
