#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.hpp"
#include "config/type.hpp"

namespace gh::vault {

/// Where environment variables are in the vault, unless said otherwise.
inline constexpr std::string_view env_folder = "env/";

/// Where secrets of the configuration and of the shell rest; the API of the KV store is always that of the sealed store.
enum class BackendKind : std::uint8_t { sealed, environment, azure };

/// An Azure Key Vault, and the application that asks it.
struct AzureConfig {
    std::string url;        ///< "https://team.vault.azure.net"
    std::string tenant;     ///< of Microsoft Entra ID
    std::string client_id;  ///< of the application
    config::Secret client_secret;
    std::string authority = "https://login.microsoftonline.com";
    std::optional<std::filesystem::path> ca_file;  ///< nothing: the system's authorities
    friend bool operator==(const AzureConfig&, const AzureConfig&) = default;
};

/// `vault` of gatehouse.yaml: what opens the seal. One of them, or none: then a key file in the data directory does, which
/// is made at the first start.
struct VaultConfig {
    std::optional<std::filesystem::path> key_file;
    config::Secret key;         ///< 32 bytes as base64 or hex; empty: none
    config::Secret passphrase;  ///< empty: none
    std::string credential;  ///< a file in $CREDENTIALS_DIRECTORY, as systemd gives it; empty: none
    std::string kernel_keyring;  ///< description of a key; empty: none
    std::string tpm;             ///< a device of a TPM 2.0; empty: none
    std::string azure_key;       ///< name of a key of the Key Vault of `azure`; empty: none
    BackendKind backend = BackendKind::sealed;
    AzureConfig azure;
    bool external_key_required = false;  ///< the start is refused when none is named
    std::string variables;  ///< a folder whose secrets count as environment variables; empty: none
    bool variables_only = false;  ///< the environment's own secrets are refused

    /// Which of them are named.
    [[nodiscard]] std::vector<std::string_view> sources() const;
    friend bool operator==(const VaultConfig&, const VaultConfig&) = default;
};

/// How `vault` is read, shown and described.
[[nodiscard]] config::Type<VaultConfig> vault_type();

}  // namespace gh::vault
