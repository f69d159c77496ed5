#pragma once

#include <string>
#include <vector>

#include "base/task.hpp"
#include "storage/session.hpp"
#include "vault/barrier.hpp"
#include "vault/rotation/rotation.hpp"

// What the files of the repository have in common. Only they include this.

namespace gh::vault::rotation {

/// A row with what only those need who work on it.
struct Stored {
    Rotation rotation;
    std::string claim;
    SystemTime claimed_until;
    std::string sealed;  ///< the pending value; empty: none
};

/// `not_found` "rotation.unknown"
[[nodiscard]] Task<Result<Stored>> find_stored(storage::Session& session, std::string path);
/// All of it but the rule and the pending value.
/// @param claim  who works on it; empty: nobody any more
[[nodiscard]] Task<Result<void>> write_state(storage::Session& session, const Rotation& rotation,
                                             std::string claim, SystemTime claimed_until);
[[nodiscard]] Task<Result<std::vector<Consumer>>> find_consumers(storage::Session& session,
                                                                 std::string path);
/// Where the pending value of a rotation lies.
[[nodiscard]] std::string pending_path(const Rotation& rotation);
/// @param path  its pending_path(), alive as long as the place
[[nodiscard]] Place pending_place(const Rotation& rotation, const std::string& path);

[[nodiscard]] std::unexpected<Error> unknown_rotation(std::string_view path);

}  // namespace gh::vault::rotation
