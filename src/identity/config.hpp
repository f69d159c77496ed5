#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "codec/jose.hpp"
#include "config/secret.hpp"
#include "config/type.hpp"
#include "crypto/password_hash.hpp"
#include "identity/api_keys.hpp"

namespace gh::identity {

/// Somebody whose tokens are believed. Exactly one of `jwks_uri`, `jwks_file`, `secret`, `public_key_file` is set.
struct TrustedIssuerConfig {
    std::string issuer;  ///< compared with `iss`, byte by byte
    bool issuer_required =
        true;              ///< false: a token without `iss` is believed too, another `iss` never
    std::string jwks_uri;  ///< https, or http on loopback; fetched off the request
    std::optional<std::filesystem::path> jwks_file;
    std::optional<std::filesystem::path> ca_file;  ///< verifies `jwks_uri`; unset: the system's
    config::Secret secret;  ///< with HS256, HS384, HS512: at least as many bits as the hash
    std::optional<std::filesystem::path> public_key_file;  ///< PEM, with the other algorithms
    std::optional<codec::JoseAlgorithm>
        algorithm;  ///< must be set with `secret` and `public_key_file`; with a key set, the only one believed
    bool any_audience = false;          ///< `audience: any`, spelled out
    std::vector<std::string> audience;  ///< one of them must be in `aud`
    std::string subject_claim = "sub";
    std::string roles_claim = "roles";
    std::string scopes_claim = "scope";
    std::chrono::seconds leeway{0};
    std::chrono::milliseconds refresh{300'000};  ///< of a key set that nobody missed a key in
    friend bool operator==(const TrustedIssuerConfig&, const TrustedIssuerConfig&) = default;
};

/// A key for X-API-Key. Exactly one of `value` and `sha256` is set.
struct ApiKeyConfig {
    std::string id;  ///< appears in the log
    config::Secret value;
    std::string sha256;   ///< of the key's text, 64 lower-case hex digits
    std::string subject;  ///< unset in the file: the id
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::optional<SystemTime> expires;
    friend bool operator==(const ApiKeyConfig&, const ApiKeyConfig&) = default;
};

struct AuthConfig {
    bool enabled = true;  ///< false: everybody is let in; development profile on loopback only
    std::string
        issuer;  ///< `iss` of our own tokens; empty: the address of the first listener that serves `api`
    std::chrono::seconds access_token_ttl{1'800};
    std::chrono::seconds login_token_ttl{86'400};  ///< of those of /api/v1/auth/login
    codec::JoseAlgorithm signing_algorithm = codec::JoseAlgorithm::es256;
    crypto::PasswordScheme password_hash = crypto::PasswordScheme::argon2id;
    std::vector<std::string> first_users;  ///< besides admin: "user", "guest"
    bool password_grant = false;  ///< RFC 6749 §4.3 at /oauth/token, which OAuth 2.1 has given up
    std::vector<TrustedIssuerConfig> trusted_issuers;
    std::vector<ApiKeyConfig> api_keys;
    friend bool operator==(const AuthConfig&, const AuthConfig&) = default;
};

/// What the environment says of users and keys: users are taken over when there are none yet, keys where they are not
/// known yet.
struct FirstUsersConfig {
    /// Of a password that stands in an environment. Whoever signs in there is asked for nothing else.
    static constexpr std::size_t password_bytes_min = 12;
    struct Imported {
        std::string name;
        config::Secret password;
        friend bool operator==(const Imported&, const Imported&) = default;
    };
    config::Secret admin_password;  ///< empty: one is made and shown once
    std::vector<Imported> imported;
    std::vector<config::Secret> api_keys;
    friend bool operator==(const FirstUsersConfig&, const FirstUsersConfig&) = default;
};

/// What a shared secret must have at least: as many bytes as its hash (RFC 7518 §3.2); 32 for other algorithms.
[[nodiscard]] std::size_t secret_bytes_min(codec::JoseAlgorithm algorithm);

/// How `auth` is read, shown and described.
[[nodiscard]] config::Type<AuthConfig> auth_type();

}  // namespace gh::identity
