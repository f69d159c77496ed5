#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/secret.hpp"

// Bodies of the API that clients of OpenBao's database engine speak, and what is made of them; pure.
//
// Errors: `invalid_argument` "lease.body", "lease.name", the detail is for the client.

namespace gh::vault::leases {

inline constexpr std::size_t name_bytes_max = 128;
inline constexpr std::size_t statements_max = 32;
inline constexpr std::size_t statements_bytes_max = std::size_t{16} * 1024;  // of a list
inline constexpr std::size_t allowed_roles_max = 100;
inline constexpr seconds ttl_standard = std::chrono::hours(1);
inline constexpr seconds ttl_max = std::chrono::days(32);

/// Letters, digits, '_', and between them '.' and '-'.
[[nodiscard]] Result<void> check_name(std::string_view name);

/// How credentials are made.
struct Role {
    std::string name;
    std::string connection;               ///< its name
    std::vector<std::string> creation;    ///< with {{name}}, {{password}}, {{expiration}}
    std::vector<std::string> revocation;  ///< none: what end_script() does by itself
    seconds default_ttl{0};               ///< 0: `ttl_standard`
    seconds max_ttl{0};                   ///< 0: `ttl_max`

    [[nodiscard]] seconds ttl() const;
    [[nodiscard]] seconds longest() const { return max_ttl > seconds(0) ? max_ttl : ttl_max; }
};

/// {"db_name": "app", "creation_statements": [...] or "...", "default_ttl": "1h", ...}
[[nodiscard]] Result<Role> parse_role(std::string_view name, std::string_view body);

/// Where a server is, and as whom users are made there.
struct Connection {
    std::string url;  ///< without a password
    crypto::Secret password;
    std::vector<std::string> allowed_roles;  ///< "*": all
    bool verify = true;                      ///< look whether it lets us in
};
/// {"plugin_name": "postgresql-database-plugin", "connection_url": "postgresql://{{username}}:{{password}}@host/db",
///  "username": "changer", "password": "...", "allowed_roles": ["app"]}
[[nodiscard]] Result<Connection> parse_connection(std::string_view body);
/// The secret that it rests as: `url`, `password`, `allowed_roles`.
[[nodiscard]] crypto::Secret fields_of(const Connection& connection);
/// The same, back.
[[nodiscard]] Result<Connection> connection_of(std::string_view fields);
[[nodiscard]] bool allows(const Connection& connection, std::string_view role);

struct Wish {
    std::string lease;
    std::optional<seconds> increment;
};
/// {"lease_id": "database/creds/app/...", "increment": 3600}
[[nodiscard]] Result<Wish> parse_wish(std::string_view body);

/// A user's name: of the role, of chance, of the moment; at most 63 octets, none of which wants quotes.
[[nodiscard]] std::string new_username(std::string_view role, SystemTime now);
/// What the server keeps of a new password stands for it.
[[nodiscard]] std::string creation_script(const Role& role, const std::string& username,
                                          const std::string& verifier, SystemTime expires);
/// Lets nobody in any more. Goes before end_script(), by itself: what fails there leaves no door open.
[[nodiscard]] std::string close_script(const std::string& username);
/// The user is no more, and what it owned is the connection's. What is gone already is no failure.
[[nodiscard]] std::string end_script(const std::vector<std::string>& revocation,
                                     const std::string& username);
[[nodiscard]] std::string renew_script(const std::string& username, SystemTime expires);

/// As they are kept.
[[nodiscard]] std::string text_of(const std::vector<std::string>& texts);
[[nodiscard]] std::vector<std::string> texts_of(std::string_view json);

}  // namespace gh::vault::leases
