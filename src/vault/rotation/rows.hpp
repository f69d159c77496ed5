#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/task.hpp"
#include "storage/session.hpp"
#include "vault/barrier.hpp"
#include "vault/keyring.hpp"
#include "vault/rotation/rotation.hpp"
#include "vault/secret_rows.hpp"

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
using SharedSecret = std::shared_ptr<const crypto::Secret>;
[[nodiscard]] std::string_view text_of(const SharedSecret& fields);

/// The pending value; nothing: there is none.
[[nodiscard]] Task<Result<SharedSecret>> open_pending(storage::Session& session, Keyring& keyring,
                                                      const Stored& stored);
/// With the version it is of; nothing where there is none to be read.
[[nodiscard]] Task<Result<OpenedSecret>> read_version(storage::Session& session, Keyring& keyring,
                                                      std::string path, std::uint64_t version,
                                                      SystemTime now);
/// Before a pending password is given up that a server may have been told: it becomes a version that is deleted and may be
/// taken back, and the newest value stays the newest.
[[nodiscard]] Task<Result<void>> keep_given_up(storage::Session& session, Keyring& keyring,
                                               const Stored& stored, SystemTime now);
/// Where the pending value of a rotation lies.
[[nodiscard]] std::string pending_path(const Rotation& rotation);
/// @param path  its pending_path(), alive as long as the place
[[nodiscard]] Place pending_place(const Rotation& rotation, const std::string& path);

[[nodiscard]] std::unexpected<Error> unknown_rotation(std::string_view path);

}  // namespace gh::vault::rotation
