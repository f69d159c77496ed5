#include "app/vault_secrets.hpp"

#include <map>
#include <utility>

#include "app/inherited_environment.hpp"
#include "base/try.hpp"
#include "codec/hex.hpp"
#include "net/run_task.hpp"
#include "vault/seal.hpp"
#include "vault/secret_fields.hpp"

namespace gh::app {
namespace {

constexpr std::string_view keys[] = {
    "data_dir",
    "storage.url",
    "storage.password",
    "vault.key",
    "vault.key_file",
    "vault.passphrase",
    "vault.credential",
    "vault.kernel_keyring",
    "vault.tpm",
    "vault.azure_key",
    "vault.variables",
    "vault.azure.url",
    "vault.azure.tenant",
    "vault.azure.client_id",
    "vault.azure.client_secret",
    "vault.azure.authority",
    "vault.azure.ca_file",
};

}  // namespace

std::span<const std::string_view> opening_keys() { return keys; }

VaultSecrets::VaultSecrets(const Overrides& overrides, const Surroundings& surroundings)
    : overrides_(overrides), surroundings_(surroundings) {}

VaultSecrets::~VaultSecrets() = default;

Result<ConfiguredBackend> VaultSecrets::opened() const {
    auto opening = overrides_;
    opening.state_only = true;
    GH_TRY(const auto read, read_settings(opening, surroundings_));
    return open_backend(read, opening, surroundings_);
}

Result<vault::Backend*> VaultSecrets::open() {
    if (configured_.backend) return configured_.backend.get();
    if (failed_) return std::unexpected(*failed_);
    auto configured = opened();
    if (!configured) {
        note(configured.error());
        failed_ = std::move(configured).error();
        return std::unexpected(*failed_);
    }
    configured_ = *std::move(configured);
    return configured_.backend.get();
}

void VaultSecrets::note(const Error& error) {
    const bool passes =
        error.kind == ErrorKind::unavailable || error.kind == ErrorKind::deadline_exceeded;
    if (passes && !away_) away_ = error;
}

Result<std::string> VaultSecrets::read(vault::Backend& backend, const std::string& path,
                                       std::string_view field) {
    const auto secret = net::run_to_end(backend.get(path));
    if (!secret) {
        note(secret.error());
        return std::unexpected(secret.error());
    }
    GH_TRY(auto text, vault::field_of(*secret, field, path));
    ++count_;
    return text;
}

Result<std::string> VaultSecrets::resolve(std::string_view path, std::string_view field) {
    GH_TRY(auto* backend, open());
    return read(*backend, std::string(path), field);
}

Result<config::Environment> VaultSecrets::variables(const Settings& settings) {
    if (settings.vault.backend == vault::BackendKind::sealed) {
        GH_TRY(const bool sealed, vault::Seal::exists(settings.data_dir / "keys"));
        if (!sealed) return config::Environment();
    }
    GH_TRY(auto* backend, open());
    std::map<std::string, std::string, std::less<>> found;
    for (const auto& variable : inherited_variables()) {
        if (opens_vault(variable)) continue;
        for (const auto name : {variable.name, variable.alias}) {
            if (name.empty()) continue;
            auto value =
                read(*backend, settings.vault.variables + std::string(name), vault::only_field);
            if (!value && value.error().kind == ErrorKind::not_found &&
                value.error().reason != "secret.field")
                continue;
            if (!value) return std::unexpected(std::move(value).error());
            found.emplace(name, *std::move(value));
        }
    }
    return config::Environment(std::move(found));
}

Result<std::string> UnusedSecrets::resolve(std::string_view, std::string_view) {
    return codec::encode_hex(crypto::text_of(crypto::Secret::random(32).bytes()));
}

}  // namespace gh::app
