#include "app/vault_secrets.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "app/inherited_environment.hpp"
#include "app/secret_acts.hpp"
#include "app/secret_fields.hpp"
#include "app/verb_state.hpp"
#include "base/try.hpp"
#include "codec/hex.hpp"
#include "net/run_task.hpp"
#include "vault/seal.hpp"
#include "vault/secret_repository.hpp"

namespace gh::app {
namespace {

constexpr std::string_view keys[] = {
    "data_dir",         "storage.url",      "storage.password",     "vault.key", "vault.key_file",
    "vault.passphrase", "vault.credential", "vault.kernel_keyring", "vault.tpm", "vault.variables",
};

}  // namespace

std::span<const std::string_view> opening_keys() { return keys; }

VaultSecrets::VaultSecrets(const Overrides& overrides, const Surroundings& surroundings)
    : overrides_(overrides), surroundings_(surroundings) {}

VaultSecrets::~VaultSecrets() = default;

Result<VerbState*> VaultSecrets::open() {
    if (house_) return house_.get();
    if (failed_) return std::unexpected(*failed_);
    auto opening = overrides_;
    opening.state_only = true;
    auto house = open_verb_state(opening, surroundings_);
    if (!house) {
        note(house.error());
        failed_ = std::move(house).error();
        return std::unexpected(*failed_);
    }
    house_ = *std::move(house);
    return house_.get();
}

void VaultSecrets::note(const Error& error) {
    const bool passes =
        error.kind == ErrorKind::unavailable || error.kind == ErrorKind::deadline_exceeded;
    if (passes && !away_) away_ = error;
}

Result<std::string> VaultSecrets::read(VerbState& house, const std::string& path,
                                       std::string_view field) {
    vault::SecretRepository secrets(*house.state->database, *house.keyring);
    const auto secret = net::run_to_end(secrets.get(path, 0));
    if (!secret) {
        auto error = secret.error();
        note(error);
        if (error.reason == "secret.unknown")
            error.detail =
                fmt::format("there is none; write it with gatehouse secrets set {}", path);
        return std::unexpected(std::move(error));
    }
    if (!secret->value)
        return fail(ErrorKind::not_found, "secret.deleted", "its newest version was deleted");
    GH_TRY(auto text, field_of(*secret->value, field, path));
    GH_TRY_VOID(record_read(*house.state, path, secret->version.version));
    ++count_;
    return text;
}

Result<std::string> VaultSecrets::resolve(std::string_view path, std::string_view field) {
    GH_TRY(auto* house, open());
    return read(*house, std::string(path), field);
}

Result<config::Environment> VaultSecrets::variables(const Settings& settings) {
    GH_TRY(const bool sealed, vault::Seal::exists(settings.data_dir / "keys"));
    if (!sealed) return config::Environment();
    GH_TRY(auto* house, open());
    std::map<std::string, std::string, std::less<>> found;
    for (const auto& variable : inherited_variables()) {
        if (opens_vault(variable)) continue;
        for (const auto name : {variable.name, variable.alias}) {
            if (name.empty()) continue;
            auto value = read(*house, settings.vault.variables + std::string(name), only_field);
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
