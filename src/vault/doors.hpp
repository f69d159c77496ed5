#pragma once

#include <optional>
#include <string_view>

#include "access/permission.hpp"
#include "access/principal.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "vault/path_rules.hpp"
#include "vault/room.hpp"

namespace gh::vault {

/// What somebody may do in the API of KV stores: what secrets:read and secrets:write allow anywhere, and besides what the
/// policies allow there that a key carries; what one of those denies is denied. A key that a user made may no more
/// than that user may today; one that another key made has nobody above it.
struct Standing {
    access::PermissionSet held;
    std::optional<access::PermissionSet> owner;  ///< of whoever made the key
    PathRules rules;

    /// @param path   "secret/data/team/db"
    /// @param lists  the path is a folder's and ends with '/'
    [[nodiscard]] Capabilities at(std::string_view path, bool lists) const;
};

/// As of now.
/// @param principal  alive until this has ended
/// @return errors of PolicyRepository::rules()
[[nodiscard]] Task<Result<Standing>> standing_of(Room& room, const access::Principal& principal);

}  // namespace gh::vault
