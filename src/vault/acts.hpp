#pragma once

#include "audit/act.hpp"
#include "vault/secret.hpp"

namespace gh::vault {

/// What the audit log says of a write: path and versions, and never a value.
[[nodiscard]] storage::Also<SecretChange> recorded_with(audit::Record record);

}  // namespace gh::vault
