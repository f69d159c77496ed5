#include "access/policy_scope.hpp"

#include "access/access.hpp"

namespace gh::access {

std::vector<std::string> policies_of(const Principal& principal) {
    std::vector<std::string> names;
    const bool is_key = principal.issuer.empty() && (principal.type == PrincipalType::api_key ||
                                                     principal.type == PrincipalType::service);
    if (!is_key) return names;
    for (const auto& scope : principal.scopes) {
        if (!scope.starts_with(policy_scope_prefix)) continue;
        names.push_back(policy_of(scope));
    }
    return names;
}

std::string policy_of(std::string_view scope) {
    std::string name(scope.substr(policy_scope_prefix.size()));
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    return name;
}

std::optional<PermissionSet> permissions_of_owner(const Principal& principal,
                                                  const CustomRoles& custom) {
    if (!principal.owner_roles) return {};
    Principal owner;
    owner.type = PrincipalType::user;
    owner.roles = *principal.owner_roles;
    owner.role = highest_role(owner.roles);
    return permissions_of(owner, custom);
}

}  // namespace gh::access
