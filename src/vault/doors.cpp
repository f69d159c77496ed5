#include "vault/doors.hpp"

#include <algorithm>
#include <utility>

#include "access/policy_scope.hpp"
#include "base/try.hpp"

namespace gh::vault {
namespace {

using access::Permission;
using access::PermissionSet;
using enum Capability;

/// Keys that encrypt for others: to use one is to read, to make or change one is to write, and what takes one out is both.
Capabilities allowed_in_transit(bool reads, bool writes, std::string_view path) {
    if (path.starts_with("transit/export/"))
        return reads && writes ? Capabilities{read} : Capabilities{};
    if (path == "transit/random" || path.starts_with("transit/random/") || path == "transit/hash" ||
        path.starts_with("transit/hash/"))
        return reads || writes ? Capabilities{update} : Capabilities{};
    constexpr std::string_view uses[] = {"transit/encrypt/", "transit/decrypt/", "transit/rewrap/",
                                         "transit/datakey/", "transit/sign/",    "transit/verify/",
                                         "transit/hmac/"};
    Capabilities may;
    if (path.starts_with("transit/keys/")) {
        if (reads) may = may | Capabilities{read, list};
        if (writes) may = may | Capabilities{create, update, remove};
        return may;
    }
    const auto begins = [&](std::string_view use) { return path.starts_with(use); };
    if (reads && std::ranges::any_of(uses, begins)) may.add(update);
    if (writes && path.starts_with("transit/encrypt/")) may.add(create);
    return may;
}

/// What the permissions of the house allow, everywhere alike. To write policies, both are wanted: whoever does can read what
/// they like with one.
Capabilities allowed(PermissionSet held, std::string_view path) {
    const bool reads = held.has(Permission::secrets_read);
    const bool writes = held.has(Permission::secrets_write);
    if (path == "sys/mounts") return reads || writes ? Capabilities{read} : Capabilities{};
    if (path.starts_with("auth/token/"))
        return held.has(Permission::keys_write) ? Capabilities{create, read, update, list, sudo}
                                                : Capabilities{};
    if (path == "sys/wrapping/wrap")
        return reads || writes ? Capabilities{create, update} : Capabilities{};
    if (path.starts_with("sys/tools/"))
        return reads || writes ? Capabilities{update} : Capabilities{};
    if (path.starts_with("transit/")) return allowed_in_transit(reads, writes, path);
    // A user of a database is made by who asks: no less than to read a secret. How is for who may do both.
    if (path.starts_with("database/creds/")) return reads ? Capabilities{read} : Capabilities{};
    if (path.starts_with("database/"))
        return reads && writes ? Capabilities{create, read, update, remove, list} : Capabilities{};
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
