#include "identity/rights.hpp"

#include <algorithm>

#include "access/access.hpp"
#include "access/policy_scope.hpp"

namespace gh::identity {
namespace {

using access::Principal;
using access::Role;

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool within_roles(const Principal& giver, const std::string& role) {
    const auto built_in = access::role_of(role);
    if (built_in != Role::none) return built_in <= giver.role;
    return giver.role == Role::admin || has(giver.roles, role);
}

bool may_hand_out(const Principal& giver, const Rights& rights, const access::CustomRoles& custom,
                  access::Permission over_scopes) {
    const auto held = access::permissions_of(giver, custom);
    Principal bearer;
    bearer.roles.assign(rights.roles.begin(), rights.roles.end());
    bearer.role = access::highest_role(rights.roles);
    access::PermissionSet all_secrets;
    for (const auto each : {access::Permission::secrets_read, access::Permission::secrets_write})
        all_secrets.add(each);
    const auto good_scope = [&](const std::string& scope) {
        const auto permission = access::permission_of(scope);
        if (permission) return held.has(*permission);
        if (scope.starts_with(access::policy_scope_prefix)) {
            const auto carried = access::policies_of(giver);
            return held.includes(all_secrets) || has(carried, access::policy_of(scope));
        }
        return held.has(over_scopes) || has(giver.scopes, scope);
    };
    return held.includes(access::permissions_of(bearer, custom)) &&
           std::ranges::all_of(rights.roles,
                               [&](const auto& role) { return within_roles(giver, role); }) &&
           std::ranges::all_of(rights.scopes, good_scope);
}

}  // namespace gh::identity
