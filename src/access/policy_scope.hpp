#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/permission.hpp"
#include "access/principal.hpp"

namespace gh::access {

/// A scope "policy:NAME" lets the key that carries it do what the vault's policy of this name allows.
inline constexpr std::string_view policy_scope_prefix = "policy:";

/// The names of the policies that a principal carries, in lower case as policies have them. Keys do; tokens do not, for others than we may choose their scopes.
[[nodiscard]] std::vector<std::string> policies_of(const Principal& principal);

/// Which policy a scope of this form names.
[[nodiscard]] std::string policy_of(std::string_view scope);

/// What whoever made a key holds today; nothing where that is no user of ours.
[[nodiscard]] std::optional<PermissionSet> permissions_of_owner(const Principal& principal,
                                                                const CustomRoles& custom);

}  // namespace gh::access
