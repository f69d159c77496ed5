#pragma once

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

/// `migrate up`: brings the database to the schema of this program, and makes the data directory when it is missing.
/// @param dry_run  tells what would be done, as SQL, and does nothing
[[nodiscard]] CommandResult migrate_up(const Overrides& overrides, const Surroundings& surroundings,
                                       bool dry_run);
/// `migrate status`: which steps there are, and when each was applied.
[[nodiscard]] CommandResult migrate_status(const Overrides& overrides,
                                           const Surroundings& surroundings);
/// `migrate verify`: exit code 1 unless every step was applied as this program knows it.
[[nodiscard]] CommandResult migrate_verify(const Overrides& overrides,
                                           const Surroundings& surroundings);

}  // namespace gh::app
