#pragma once

#include <string>

#include "storage/database.hpp"
#include "vault/secret.hpp"

namespace gh::app {

/// Has the audit log tell of a change of a secret that the shell makes: its path and version, never its value.
[[nodiscard]] storage::Also<vault::SecretChange> recorded_secret(std::string action);

}  // namespace gh::app
