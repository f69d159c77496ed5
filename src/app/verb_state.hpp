#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_command.hpp"
#include "app/data_folder.hpp"
#include "app/settings.hpp"
#include "app/state.hpp"
#include "app/unseal.hpp"
#include "audit/record.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// The state as a verb of the command line has it, beside a `serve` that may be running.
struct VerbState {
    Settings settings;
    config::Origins origins;
    std::optional<DataFolder> folder;
    telemetry::Registry registry;
    std::unique_ptr<crypto::KeyStore> keys;
    std::unique_ptr<vault::Keyring> keyring;
    vault::Barrier files;
    std::unique_ptr<State> state;
};

/// @return `not_found` "data_dir.absent" where nothing was ever started: the detail says what to do
[[nodiscard]] Result<void> check_data_dir(const Settings& settings);

/// Whoever looks only gets `not_found` "vault.absent" where it would have to be made, and no schema is changed for him.
/// @return `invalid_argument` "config.invalid"; errors of check_data_dir(), DataFolder::open(), State::open() and
///         State::check_schema(); Keyring::check()
[[nodiscard]] Result<std::unique_ptr<VerbState>> open_verb_state(const Overrides& overrides,
                                                                 const Surroundings& surroundings);

/// Has the audit log tell of an act of the shell that belongs to no write of the database.
[[nodiscard]] Task<Result<void>> act_recorded(State& state, audit::Record told);
/// At once.
[[nodiscard]] Result<void> record_act(State& state, audit::Record told);

/// Roles that there are: those of the house, and those of an operator's own making.
/// @return `invalid_argument` "role.unknown" where one of them is none; its detail names all that there are
[[nodiscard]] Result<void> check_roles(State& state, const std::vector<std::string>& roles);

/// What a verb says when it could not do its work: exit code 2 where the command or the configuration is at fault.
[[nodiscard]] CommandResult failed(const Error& error);

}  // namespace gh::app
