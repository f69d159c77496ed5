#pragma once

#include "app/env_on_disk.hpp"
#include "app/import_command.hpp"
#include "app/settings.hpp"
#include "vault/env_file.hpp"

namespace gh::app {

/// Names that an import leaves where they are, and why: what opens the vault cannot be in it, and what this house goes on
/// reading from outside must be found there.
/// @param read  of this house
[[nodiscard]] vault::EnvReasons staying_variables(const ReadSettings& read,
                                                  const Overrides& overrides,
                                                  const ImportOptions& options,
                                                  const EnvOnDisk& file);

}  // namespace gh::app
