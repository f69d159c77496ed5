#include "vault/config.hpp"

#include "base/error.hpp"
#include "base/try.hpp"
#include "codec/https_url.hpp"
#include "config/object.hpp"
#include "config/types.hpp"
#include "vault/backend/azure_keys.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault {
namespace {

/// A name, and no way out of the folder of credentials.
Result<std::string> credential_of(const std::string& text) {
    if (!text.contains('/') && !text.starts_with('.')) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no name of a credential, as LoadCredential= gives it");
}

Result<std::string> tpm_of(const std::string& text) {
    if (text.empty() || text.starts_with('/') || text.starts_with("swtpm:")) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no device such as /dev/tpmrm0, nor swtpm:path=SOCKET");
}

Result<std::string> key_name_of(const std::string& text) {
    if (text.empty() || azure::is_key_name(text)) return text;
    return fail(ErrorKind::invalid_argument, "config.value",
                "is no name of a key in a Key Vault: letters, digits and '-'");
}

Result<std::string> url_of(const std::string& text) {
    if (text.empty()) return text;
    GH_TRY_VOID(codec::parse_https_url(text));
    return text;
}

Result<std::string> folder_of(const std::string& text) {
    if (text.empty()) return text;
    GH_TRY_VOID(check_secret_folder(text));
    return text;
}

constexpr std::string_view dpapi_is_elsewhere =
    "is for Windows, where gatehouse-secrets.exe keeps such a store; here: sealed, environment or "
    "azure (to take secrets over: gatehouse-secrets get PATH --json, piped into gatehouse secrets "
    "set PATH --json)";

config::Type<AzureConfig> azure_type() {
    const auto same = [](const std::string& text) { return text; };
    const auto url = config::parsed_text<std::string>(&url_of, same);
    config::Object<AzureConfig> table;
    table.key("url", &AzureConfig::url, url, "Of the vault: https://team.vault.azure.net.");
    table.key("tenant", &AzureConfig::tenant, config::text({.bytes_max = 256}),
              "Of Microsoft Entra ID, by id or domain.");
    table.key("client_id", &AzureConfig::client_id, config::text({.bytes_max = 256}),
              "The application that asks.");
    table.key("client_secret", &AzureConfig::client_secret, config::secret(),
              "Its secret, by reference: ${env:AZURE_CLIENT_SECRET}.");
    table.key("authority", &AzureConfig::authority, url,
              "Who gives tokens; that of the public cloud.");
    table.key("ca_file", &AzureConfig::ca_file, config::maybe(config::file_path()),
              "Authorities that both are judged by; the system's, where left out.");
    return table.type();
}

}  // namespace

std::vector<std::string_view> VaultConfig::sources() const {
    std::vector<std::string_view> named;
    if (key_file) named.emplace_back("key_file");
    if (!key.empty()) named.emplace_back("key");
    if (!passphrase.empty()) named.emplace_back("passphrase");
    if (!credential.empty()) named.emplace_back("credential");
    if (!kernel_keyring.empty()) named.emplace_back("kernel_keyring");
    if (!tpm.empty()) named.emplace_back("tpm");
    if (!azure_key.empty()) named.emplace_back("azure_key");
    return named;
}

config::Type<VaultConfig> vault_type() {
    const auto same = [](const std::string& text) { return text; };
    config::Object<VaultConfig> table;
    table.key("key_file", &VaultConfig::key_file, config::maybe(config::file_path()),
              "A file with 32 random bytes as base64 or hex, which only its owner reaches.");
    table.key("key", &VaultConfig::key, config::secret(),
              "The same bytes by reference: ${env:ENCRYPTION_KEY}.");
    table.key("passphrase", &VaultConfig::passphrase, config::secret(),
              "At least 12 bytes, by reference.");
    table.key("credential", &VaultConfig::credential,
              config::parsed_text<std::string>(&credential_of, same),
              "A credential of systemd (LoadCredentialEncrypted=) that holds such a key.");
    table.key("kernel_keyring", &VaultConfig::kernel_keyring, config::text({.bytes_max = 256}),
              "The description of such a key in the kernel's keyring (keyctl padd user).");
    table.key("tpm", &VaultConfig::tpm, config::parsed_text<std::string>(&tpm_of, same),
              "The device of a TPM 2.0, such as /dev/tpmrm0.");
    table.key("azure_key", &VaultConfig::azure_key,
              config::parsed_text<std::string>(&key_name_of, same),
              "The name of an RSA key of the Key Vault of azure.");
    table.key("backend", &VaultConfig::backend,
              config::choice<BackendKind>({{"sealed", BackendKind::sealed},
                                           {"environment", BackendKind::environment},
                                           {"azure", BackendKind::azure}},
                                          {{"dpapi", std::string(dpapi_is_elsewhere)}}),
              "Where the configuration's and the shell's secrets rest.");
    table.key("azure", &VaultConfig::azure, azure_type(),
              "The Key Vault of backend: azure and of azure_key.");
    table.key("external_key_required", &VaultConfig::external_key_required, config::boolean(),
              "Refuse to start with a key that lies beside what it protects.");
    table.key(
        "variables", &VaultConfig::variables, config::parsed_text<std::string>(&folder_of, same),
        "A folder of the vault, such as env/: its secrets count as environment variables that "
        "are not set.");
    table.key("variables_only", &VaultConfig::variables_only, config::boolean(),
              "Refuse to start where the environment or .env sets a secret that belongs there.");
    return table.type();
}

}  // namespace gh::vault
