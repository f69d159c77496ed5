#pragma once

#include <span>
#include <string>

#include "access/permission.hpp"
#include "access/principal.hpp"

namespace gh::identity {

/// What a user, a key or a client may, or would.
struct Rights {
    std::span<const std::string> roles, scopes;
};

/// May `giver` hand these out, or take over a credential that has them? Roles: none above their own, none of an operator's
/// making that they do not have unless they are an administrator, and none that holds a permission they do not hold. Scopes that
/// name a permission: those they hold. Scopes that name a policy of the vault: those they carry, and any where they may do
/// everything with every secret. Other scopes are the business of upstreams: whoever holds `over_scopes` may name any,
/// others those that their own credential carries.
[[nodiscard]] bool may_hand_out(const access::Principal& giver, const Rights& rights,
                                const access::CustomRoles& custom, access::Permission over_scopes);

/// One role: not above those of `giver`, and where it is of an operator's making, theirs.
[[nodiscard]] bool within_roles(const access::Principal& giver, const std::string& role);

}  // namespace gh::identity
