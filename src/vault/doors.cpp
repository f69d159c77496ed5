#include "vault/doors.hpp"

#include <utility>

#include "access/policy_scope.hpp"
#include "base/try.hpp"

namespace gh::vault {
namespace {

using access::Permission;
using access::PermissionSet;
using enum Capability;

/// What the permissions of the house allow, everywhere alike. To write policies, both are wanted: whoever does can read what
/// they like with one.
Capabilities allowed(PermissionSet held, std::string_view path) {
    const bool reads = held.has(Permission::secrets_read);
    const bool writes = held.has(Permission::secrets_write);
    if (path == "sys/mounts") return reads || writes ? Capabilities{read} : Capabilities{};
    if (path.starts_with("sys/"))
        return reads && writes ? Capabilities{create, read, update, remove, list} : Capabilities{};
    Capabilities may;
    if (!path.starts_with("secret/")) return may;
    if (reads) may = may | Capabilities{read, list};
    if (writes) may = may | Capabilities{create, update, patch, remove};
    return may;
}

}  // namespace

Capabilities Standing::at(std::string_view path, bool lists) const {
    auto may = rules.at(path, lists);
    if (may.has(deny)) return may;
    if (owner) may = may & allowed(*owner, path);
    return allowed(held, path) | may;
}

Task<Result<Standing>> standing_of(Room& room, const access::Principal& principal) {
    const auto custom = room.roles();
    Standing standing;
    standing.held = access::permissions_of(principal, *custom);
    standing.owner = access::permissions_of_owner(principal, *custom);
    auto names = access::policies_of(principal);
    if (names.empty()) co_return standing;
    GH_CO_TRY(standing.rules, co_await room.policies.rules(std::move(names)));
    co_return standing;
}

}  // namespace gh::vault
