#pragma once

#include <memory>

#include "vault/backend/backend.hpp"
#include "vault/config.hpp"

namespace gh::vault {

/// An Azure Key Vault, by its REST API (7.4), as an application of Microsoft Entra ID (client credentials, RFC 6749 §4.4). Over
/// verified https. It looks names up while the caller waits: for the shell and the reading of a configuration, not for workers.
/// @return `invalid_argument` "backend.config"; errors of net::TlsClientContext::make()
[[nodiscard]] Result<std::unique_ptr<Backend>> azure_backend(const AzureConfig& config);

}  // namespace gh::vault
