#pragma once

#include <memory>

#include "vault/backend/backend.hpp"
#include "vault/config.hpp"

namespace gh::vault {

/// Secrets of an Azure Key Vault: for the shell and the reading of a configuration, not for workers.
/// @return errors of azure::Client::make()
[[nodiscard]] Result<std::unique_ptr<Backend>> azure_backend(const AzureConfig& config);

}  // namespace gh::vault
