#pragma once

#include <memory>

#include "app/secrets_command.hpp"
#include "base/error.hpp"
#include "vault/backend/backend.hpp"

namespace gh::app {

/// Where secrets rest when it is not the sealed store; null: it is. What only the sealed store has must not be asked of others.
/// @return `invalid_argument` "usage", "config.invalid"; errors of open_backend()
[[nodiscard]] Result<std::unique_ptr<vault::Backend>> other_backend(
    const Overrides& overrides, const Surroundings& surroundings, const SecretsOptions& options);

/// `secrets check`: writes, reads, lists and deletes a secret of its own, a line each.
[[nodiscard]] CommandResult secrets_check(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const SecretsOptions& options);

}  // namespace gh::app
