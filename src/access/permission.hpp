#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "access/principal.hpp"

namespace gh::access {

/// What a route of the control plane asks for. Each has its row in permission.cpp, and that table is all there is to
/// know about who holds it.
enum class Permission : std::uint8_t {
    agents_read,
    agents_write,
    audit_read,
    certificates_read,
    certificates_write,
    clients_write,
    database_read,
    health_read,
    keys_write,
    kill_write,
    logs_write,
    messages_read,
    messages_send,
    messages_write,
    metrics_read,
    plans_approve,
    plans_read,
    plans_write,
    profiles_read,
    secrets_read,
    secrets_write,
    tasks_read,
    tasks_write,
    threats_read,
    threats_write,
    users_read,
    users_write,
};

struct PermissionRow {
    Permission permission;
    std::string_view
        name;         ///< "users:read": as custom roles list it, and the scope that stands for it
    Role least_role;  ///< the lowest built-in role that holds it
    std::string_view allows;
};

/// Every permission, in the order of the enumeration.
[[nodiscard]] std::span<const PermissionRow> permission_table();

[[nodiscard]] std::string_view name_of(Permission permission);
/// Nothing for a name that is none of ours.
[[nodiscard]] std::optional<Permission> permission_of(std::string_view name);

/// A set of permissions, one bit each.
class PermissionSet {
 public:
    constexpr PermissionSet() = default;
    [[nodiscard]] constexpr bool has(Permission one) const { return (bits_ & bit(one)) != 0; }
    constexpr void add(Permission one) { bits_ |= bit(one); }
    friend constexpr PermissionSet operator|(PermissionSet a, PermissionSet b) {
        a.bits_ |= b.bits_;
        return a;
    }
    friend constexpr PermissionSet operator&(PermissionSet a, PermissionSet b) {
        a.bits_ &= b.bits_;
        return a;
    }
    friend constexpr bool operator==(PermissionSet, PermissionSet) = default;
    /// Has it all that `other` has?
    [[nodiscard]] constexpr bool includes(PermissionSet other) const {
        return (bits_ & other.bits_) == other.bits_;
    }

 private:
    static constexpr std::uint64_t bit(Permission one) {
        return std::uint64_t{1} << static_cast<std::uint8_t>(one);
    }
    std::uint64_t bits_ = 0;
};

/// What roles hold that an operator has made, by name. The four built-in ones are not among them.
using CustomRoles = std::map<std::string, PermissionSet, std::less<>>;

/// What a built-in role holds: its own and those of the roles below it.
[[nodiscard]] PermissionSet permissions_of(Role role);

/// What a principal holds: the permissions of its roles, and where its credential carries scopes, only those among them
/// that a scope names. A key or a service without any role holds what its scopes name: it was made for that alone. A key
/// holds nothing that whoever made it does not hold today.
[[nodiscard]] PermissionSet permissions_of(const Principal& principal, const CustomRoles& custom);

}  // namespace gh::access
