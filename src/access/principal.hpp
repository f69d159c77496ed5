#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace gh::access {

enum class PrincipalType : std::uint8_t {
    anonymous,
    user,
    api_key,
    agent,
    service,
    certificate,
    delegated
};

/// "user", "api_key", ...: what X-Gatehouse-Principal-Type says.
[[nodiscard]] std::string_view name_of(PrincipalType type);

/// The built-in hierarchy: each passes every check of those before it. `none` passes no role check.
enum class Role : std::uint8_t { none, guest, user, manager, admin };

/// "guest", "user", "manager", "admin" as written; anything else is no built-in role.
[[nodiscard]] Role role_of(std::string_view name);

/// Which records of ours can end a credential before it expires: see Revocations.
enum class RevokedBy : std::uint8_t { nothing, token_list, key_list };

/// Who asks. Made by an Authenticator only; immutable and shared from then on.
struct Principal {
    PrincipalType type = PrincipalType::anonymous;
    std::string subject;
    std::vector<std::string> roles;  ///< as the credential names them
    std::vector<std::string> scopes;
    std::string issuer;      ///< of the token; empty for keys and certificates
    std::string token_id;    ///< `jti`, key id or certificate serial
    std::string roles_text;  ///< roles joined by ',', as sent upstream
    std::vector<std::string>
        actors;  ///< who act for the subject, the nearest first (`act`, RFC 8693 §4.1)
    /// Ids of the tokens that a token of ours was exchanged for; of the keys that made a stored key, the nearest first.
    std::vector<std::string> origins;
    std::string client_id;  ///< of the OAuth client a token was issued to; empty otherwise
    SystemTime
        issued_at;  ///< of the token, of a stored key's secret; 1970 for what has no such moment
    Role role = Role::none;  ///< the highest built-in role among `roles`
    RevokedBy revoked_by = RevokedBy::nothing;
    std::optional<SystemTime> expires;
    std::string
        answers_to;  ///< of a stored key: the user who made it, or the key that made it, and so on
    /// Of a key that a user here answers for: what they are today. The key goes no further than they do.
    std::optional<std::vector<std::string>> owner_roles;
    std::string
        bound_key;  ///< thumbprint of whose proofs must come along (RFC 9449 §6); empty: none
    std::string bound_certificate;  ///< fingerprint of the connection's (RFC 8705 §3); empty: any
};

}  // namespace gh::access
