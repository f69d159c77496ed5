#include "access/access.hpp"

#include <algorithm>
#include <utility>

namespace gh::access {
namespace {

constexpr Decision allow{Outcome::allowed, {}};

Decision deny(std::string_view reason) { return {Outcome::denied, reason}; }

bool holds(std::span<const std::string> names, std::string_view wanted) {
    return std::ranges::find(names, wanted) != names.end();
}

}  // namespace

Access Access::anyone() { return Access(Kind::anyone); }

Access Access::authenticated() { return Access(Kind::authenticated); }

Access Access::role(std::string name) {
    Access access(Kind::role);
    access.built_in_ = role_of(name);
    access.role_name_ = std::move(name);
    return access;
}

Access Access::scopes(std::vector<std::string> names) {
    Access access(Kind::scopes);
    access.scopes_ = std::move(names);
    return access;
}

Access Access::permission(Permission permission) {
    Access access(Kind::permission);
    access.permission_ = permission;
    return access;
}

Access Access::client_certificate() { return Access(Kind::client_certificate); }

Access Access::agent() { return Access(Kind::agent); }

Access Access::agent_or(Permission permission) {
    Access access(Kind::agent_or_permission);
    access.permission_ = permission;
    return access;
}

Decision authorize(const Access& access, const Principal& principal,
                   const ClientCertificate* certificate, const CustomRoles& custom) {
    using Kind = Access::Kind;
    if (access.kind() == Kind::anyone) return allow;
    if (access.kind() == Kind::nobody) return deny("access.nobody");
    if (access.kind() == Kind::client_certificate && certificate != nullptr) return allow;
    if (principal.type == PrincipalType::anonymous) {
        return {Outcome::unauthenticated, "access.anonymous"};
    }
    switch (access.kind()) {
        case Kind::nobody:
        case Kind::anyone: break;  // answered above
        case Kind::authenticated: return allow;
        case Kind::role: {
            const auto passes =
                access.built_in_ != Role::none
                    ? principal.role >= access.built_in_
                    : !access.role_name_.empty() && holds(principal.roles, access.role_name_);
            return passes ? allow : deny("access.role");
        }
        case Kind::scopes: {
            const auto passes = !access.scopes_.empty() &&
                                std::ranges::all_of(access.scopes_, [&](const std::string& scope) {
                                    return holds(principal.scopes, scope);
                                });
            return passes ? allow : deny("access.scope");
        }
        case Kind::permission:
            return permissions_of(principal, custom).has(access.permission_)
                       ? allow
                       : deny("access.permission");
        case Kind::client_certificate:
            return principal.type == PrincipalType::certificate ? allow
                                                                : deny("access.certificate");
        case Kind::agent:
            return principal.type == PrincipalType::agent ? allow : deny("access.agent");
        case Kind::agent_or_permission:
            return principal.type == PrincipalType::agent ||
                           permissions_of(principal, custom).has(access.permission_)
                       ? allow
                       : deny("access.permission");
    }
    return deny("access.nobody");
}

Role highest_role(std::span<const std::string> names) {
    auto highest = Role::none;
    for (const auto& name : names) highest = std::max(highest, role_of(name));
    return highest;
}

}  // namespace gh::access
