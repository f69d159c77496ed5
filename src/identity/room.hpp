#pragma once

#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "base/clock.hpp"
#include "identity/key_repository.hpp"
#include "identity/revocations.hpp"
#include "identity/revoker.hpp"
#include "identity/role_repository.hpp"
#include "identity/sign_in.hpp"
#include "identity/token_issuer.hpp"
#include "identity/user_repository.hpp"

namespace gh::identity {

/// What the routes of this room work with. Outlives them.
struct Room {
    UserRepository& users;
    KeyRepository& keys;
    RoleRepository& roles;
    RoleSource& role_source;
    RevocationSource& revocations;
    Revoker& revoker;
    SignIn& sign_in;
    TokenIssuer& issuer;
    audit::Log& audit;
    bool auth_enabled = true;
    seconds token_lifetime;    ///< of tokens from /auth/token
    seconds session_lifetime;  ///< of tokens from /api/v1/auth/login; at most token_lifetime_max
};

/// Signing in with a name and a password, and who one is: /auth/*, /api/v1/auth/*.
[[nodiscard]] std::vector<api::Route> login_routes(Room& room);
/// /api/v1/users
[[nodiscard]] std::vector<api::Route> user_routes(Room& room);
/// /api/v1/roles
[[nodiscard]] std::vector<api::Route> role_routes(Room& room);
/// /api/v1/keys
[[nodiscard]] std::vector<api::Route> key_routes(Room& room);

}  // namespace gh::identity
