#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/settings.hpp"
#include "app/state.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/secret.hpp"

namespace gh::app {

/// What a first start made.
struct FirstUsers {
    std::size_t imported = 0;
    /// Names, and passwords for one use that were not given: to be shown once.
    std::vector<std::pair<std::string, crypto::Secret>> passwords;
};

/// Where there are no users yet: makes admin, whose password is for one use whoever chose it, those of `auth.first_users`, and
/// takes over those of VALID_USERS with the role user. All of them or none, also when it is killed; two nodes that start at
/// once make them once. Hashes passwords: takes a while, the first time.
/// @return nothing where there are users already; `invalid_argument` with what is wrong with a given password; errors of the
///         database
[[nodiscard]] Task<Result<std::optional<FirstUsers>>> make_first_users(const Settings& settings,
                                                                       State& state,
                                                                       SystemTime now);

/// Takes over the keys of API_KEYS that are not known yet; how many.
/// @return errors of the database
[[nodiscard]] Task<Result<std::size_t>> take_over_keys(const Settings& settings, State& state,
                                                       SystemTime now);

/// Shows a password once: on the terminal where standard output is one, else in the file NAME-password, mode 0600.
/// @return where the file is; nothing when it was shown
[[nodiscard]] Result<std::optional<std::filesystem::path>> show_once(
    std::string_view name, const crypto::Secret& password, const std::filesystem::path& data_dir);

}  // namespace gh::app
