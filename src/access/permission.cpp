#include "access/permission.hpp"

#include <algorithm>
#include <array>

namespace gh::access {
namespace {

// In the order of the enumeration.
constexpr std::array table{
    PermissionRow{Permission::agents_read, "agents:read", Role::manager,
                  "See agents, and what tokens they have."},
    PermissionRow{Permission::agents_write, "agents:write", Role::admin,
                  "Announce, change, quarantine and retire agents; make and revoke their tokens."},
    PermissionRow{Permission::audit_read, "audit:read", Role::admin, "Read the audit log."},
    PermissionRow{Permission::certificates_read, "certificates:read", Role::manager,
                  "See what the internal CA has signed, and for whom."},
    PermissionRow{Permission::certificates_write, "certificates:write", Role::admin,
                  "Have the internal CA sign for any name; revoke certificates."},
    PermissionRow{Permission::clients_write, "clients:write", Role::admin,
                  "Register OAuth clients."},
    PermissionRow{Permission::database_read, "database:read", Role::manager,
                  "See how the database and its connections fare."},
    PermissionRow{Permission::health_read, "health:read", Role::manager,
                  "See how what Gatehouse needs is, and why."},
    PermissionRow{Permission::keys_write, "keys:write", Role::admin, "Make and revoke API keys."},
    PermissionRow{Permission::kill_write, "kill:write", Role::admin,
                  "End all that a principal has, at once; see receipts of that."},
    PermissionRow{Permission::logs_write, "logs:write", Role::admin,
                  "See and change what the server log holds."},
    PermissionRow{Permission::messages_read, "messages:read", Role::manager,
                  "Read everybody's messages; see inboxes and what was given up."},
    PermissionRow{Permission::messages_send, "messages:send", Role::user,
                  "Send messages and notifications; receive one's own."},
    PermissionRow{Permission::messages_write, "messages:write", Role::manager,
                  "Put back or delete what was given up."},
    PermissionRow{Permission::metrics_read, "metrics:read", Role::manager, "Read the metrics."},
    PermissionRow{Permission::plans_approve, "plans:approve", Role::manager,
                  "Approve and reject steps that wait for a person."},
    PermissionRow{Permission::plans_read, "plans:read", Role::manager,
                  "See plans, their steps and results, and what happens to them."},
    PermissionRow{Permission::plans_write, "plans:write", Role::manager,
                  "Make, pause, resume and cancel plans."},
    PermissionRow{Permission::profiles_read, "profiles:read", Role::admin,
                  "Measure where the process spends time and memory."},
    PermissionRow{Permission::secrets_read, "secrets:read", Role::admin,
                  "Read every secret, see rotations and use transit keys."},
    PermissionRow{Permission::secrets_write, "secrets:write", Role::admin,
                  "Write, delete, destroy and rotate secrets; make and change transit keys."},
    PermissionRow{Permission::tasks_read, "tasks:read", Role::user, "See tasks."},
    PermissionRow{Permission::tasks_write, "tasks:write", Role::user,
                  "Make, assign, change and delete tasks."},
    PermissionRow{Permission::threats_read, "threats:read", Role::manager,
                  "See what agents have reported."},
    PermissionRow{Permission::threats_write, "threats:write", Role::manager,
                  "Say what became of it; delete it."},
    PermissionRow{Permission::users_read, "users:read", Role::manager,
                  "See users and their roles."},
    PermissionRow{Permission::users_write, "users:write", Role::admin,
                  "Make, change and remove users."},
};
static_assert(table.size() <= 64);
static_assert([] {
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (static_cast<std::size_t>(table[i].permission) != i) return false;
    }
    return true;
}());

PermissionSet named_by(std::span<const std::string> scopes) {
    PermissionSet named;
    for (const auto& scope : scopes) {
        if (const auto permission = permission_of(scope)) named.add(*permission);
    }
    return named;
}

PermissionSet held_by(std::span<const std::string> roles, const CustomRoles& custom) {
    PermissionSet held;
    for (const auto& role : roles) {
        const auto built_in = role_of(role);
        if (built_in != Role::none) {  // what is built in cannot be redefined
            held = held | permissions_of(built_in);
        } else if (const auto found = custom.find(role); found != custom.end()) {
            held = held | found->second;
        }
    }
    return held;
}

PermissionSet narrowed(const Principal& principal, PermissionSet held) {
    if (principal.scopes.empty()) return held;
    const auto named = named_by(principal.scopes);
    const bool made_for_scopes =
        principal.roles.empty() &&
        (principal.type == PrincipalType::api_key || principal.type == PrincipalType::service);
    return made_for_scopes ? named : held & named;
}

}  // namespace

std::span<const PermissionRow> permission_table() { return table; }

std::string_view name_of(Permission permission) {
    return table[static_cast<std::size_t>(permission)].name;
}

std::optional<Permission> permission_of(std::string_view name) {
    const auto* found = std::ranges::find(table, name, &PermissionRow::name);
    return found == table.end() ? std::nullopt : std::optional(found->permission);
}

PermissionSet permissions_of(Role role) {
    PermissionSet held;
    if (role == Role::none) return held;
    for (const auto& row : table) {
        if (row.least_role <= role) held.add(row.permission);
    }
    return held;
}

PermissionSet permissions_of(const Principal& principal, const CustomRoles& custom) {
    const auto held =
        narrowed(principal, permissions_of(principal.role) | held_by(principal.roles, custom));
    return principal.owner_roles ? held & held_by(*principal.owner_roles, custom) : held;
}

}  // namespace gh::access
