#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "app/settings.hpp"
#include "app/state.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"

namespace gh::app {

/// What a first start made.
struct FirstUsers {
    std::size_t imported = 0;
    std::optional<crypto::Secret>
        admin_password;  ///< of the user admin, to be shown once; it was not given
};

/// Where there are no users yet: makes admin, with a password for one use, and takes over those of VALID_USERS with the role
/// user. Two nodes that start at once make them once. Hashes passwords: takes a while, the first time.
/// @return nothing where there are users already; `invalid_argument` with what is wrong with a given password; errors of the
///         database
[[nodiscard]] Task<Result<std::optional<FirstUsers>>> make_first_users(const Settings& settings,
                                                                       State& state,
                                                                       SystemTime now);

/// Takes over the keys of API_KEYS that are not known yet; how many.
/// @return errors of the database
[[nodiscard]] Task<Result<std::size_t>> take_over_keys(const Settings& settings, State& state,
                                                       SystemTime now);

/// Shows a password once: on the terminal where standard output is one, else in a file of mode 0600.
/// @return where the file is; nothing when it was shown
[[nodiscard]] Result<std::optional<std::filesystem::path>> show_once(
    const crypto::Secret& password, const std::filesystem::path& data_dir);

}  // namespace gh::app
