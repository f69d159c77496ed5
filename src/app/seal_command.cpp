#include <fmt/format.h>

#include <optional>
#include <utility>

#include "app/secrets_command.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "vault/protector.hpp"
#include "vault/seal.hpp"

// Who can open the seal.

namespace gh::app {
namespace {

using std::filesystem::path;

Result<void> record_high(State& state, std::string action) {
    auto told = audit::act_of_shell(std::move(action), "vault", "seal");
    told.severity = audit::Severity::high;
    return record_act(state, std::move(told));
}

/// Does the command line say what opened the seal so far?
bool says_what_opens(const SecretsOptions& options) {
    return options.old_passphrase || options.old_key || options.recovery_key ||
           !options.old_tpm.empty() || !options.old_azure_key.empty() ||
           !options.old_key_file.empty();
}

/// What opened the seal so far, as the command line says.
Result<std::unique_ptr<vault::Protector>> former_protector(const Settings& settings,
                                                           const SecretsOptions& options) {
    const auto keys = settings.data_dir / "keys";
    const auto typed = crypto::text_of(options.typed.bytes());
    if (options.old_passphrase) return vault::passphrase_protector(typed);
    if (!options.old_tpm.empty()) return vault::tpm_protector(options.old_tpm);
    if (!options.old_azure_key.empty())
        return vault::azure_protector(settings.vault.azure, options.old_azure_key);
    if (options.old_key) return vault::key_protector(typed);
    if (!options.recovery_key) {
        return vault::key_file_protector(options.old_key_file.empty() ? keys / own_key_file
                                                                      : path(options.old_key_file));
    }
    GH_TRY(auto key, vault::RecoveryKey::parse(typed));
    return std::move(key).protector();
}

/// Seals it for what the configuration names, unless it is. @return that
Result<std::string> move_seal(const Settings& settings, const SecretsOptions& options) {
    const auto keys = settings.data_dir / "keys";
    GH_TRY_VOID(check_data_dir(settings));
    GH_TRY(const auto folder, DataFolder::open(settings, DataFolder::Use::shared));
    GH_TRY(const bool there, vault::Seal::exists(keys));
    if (!there) {
        return fail(ErrorKind::not_found, "seal.absent",
                    "there is no seal in " + keys.string() + " yet; the first start makes one");
    }
    GH_TRY(const auto lock, lock_seal(settings));
    const auto next = protector_of(settings);
    const auto moved = vault::Seal::opens_with(keys, *next);
    // One that is away or denied must not keep another from opening it: it may be able to seal all the same.
    if (!moved && !says_what_opens(options)) return std::unexpected(moved.error());
    if (moved && *moved) return next->name();
    GH_TRY(const auto former, former_protector(settings, options));
    GH_TRY(auto seal, vault::Seal::open(keys, *former));
    GH_TRY_VOID(open_keys(settings, seal));  // a seal of before must not take the place of theirs
    // Another one than there was: who has a copy of that has nothing new.
    if (settings.vault.sources().empty()) GH_TRY_VOID(replace_own_key(settings));
    GH_TRY_VOID(seal.move_to(*next));
    return next->name();
}

/// What comes after it was moved. Each part may be done again.
Result<void> settle(const Settings& settings, const Overrides& overrides,
                    const Surroundings& surroundings) {
    GH_TRY_VOID(unseal(settings));  // as the next start will
    GH_TRY_VOID(drop_own_key(settings));
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    return record_high(*verb->state, "vault.unseal");
}

struct Added {
    crypto::Secret text;
    std::string public_key;
};

Result<Added> add_recovery_key(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    const auto protector = protector_of(verb->settings);
    GH_TRY(auto opened, open_locked(verb->settings, *protector));
    auto key = vault::RecoveryKey::generate();
    auto text = key.text();
    auto public_key = key.public_key();
    const auto recovering = std::move(key).protector();
    GH_TRY_VOID(record_high(*verb->state, "vault.recovery_key"));
    GH_TRY_VOID(opened.seal.add(*recovering));
    return Added{std::move(text), std::move(public_key)};
}

Result<void> withdraw_recovery_key(const Overrides& overrides, const Surroundings& surroundings,
                                   const std::string& public_key) {
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    const auto protector = protector_of(verb->settings);
    GH_TRY(auto opened, open_locked(verb->settings, *protector));
    GH_TRY_VOID(opened.seal.withdraw(public_key));
    auto told = record_high(*verb->state, "vault.recovery_key_withdraw");
    if (!told) {
        told.error().detail =
            "that key IS withdrawn, but the audit log was not told: " + describe(told.error());
    }
    return told;
}

/// Public keys, a line each.
Result<std::string> recovery_keys(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY(const auto read, read_settings(overrides, surroundings));
    GH_TRY_VOID(check_data_dir(read.settings));
    const auto protector = protector_of(read.settings);
    GH_TRY(const auto seal, vault::Seal::open(read.settings.data_dir / "keys", *protector));
    std::string lines;
    for (const auto& key : seal.recovery_keys()) lines += key + '\n';
    return lines;
}

}  // namespace

CommandResult secrets_recovery_key(const Overrides& overrides, const Surroundings& surroundings,
                                   const SecretsOptions& options) {
    if (options.list_recovery_keys) {
        const auto keys = recovery_keys(overrides, surroundings);
        if (!keys) return failed(keys.error());
        return {.exit_code = 0, .out = *keys, .err = {}};
    }
    if (!options.withdrawn_key.empty()) {
        const auto gone = withdraw_recovery_key(overrides, surroundings, options.withdrawn_key);
        if (!gone) return failed(gone.error());
        return {.exit_code = 0,
                .out = {},
                .err =
                    "that key opens the vault no more; with a copy of keys/seal.json of before, as "
                    "backups hold it, it does\n"};
    }
    const auto added = add_recovery_key(overrides, surroundings);
    if (!added) return failed(added.error());
    return {.exit_code = 0,
            .out = std::string(crypto::text_of(added->text.bytes())) + "\n",
            .err = fmt::format("this key opens the vault when every other key is lost; it is shown "
                               "this once, keep it elsewhere. Its public key is {}\n",
                               added->public_key)};
}

CommandResult secrets_unseal(const Overrides& overrides, const Surroundings& surroundings,
                             const SecretsOptions& options) {
    const auto read = read_settings(overrides, surroundings);
    if (!read) return failed(read.error());
    const auto opener = move_seal(read->settings, options);
    if (!opener) return failed(opener.error());
    if (auto settled = settle(read->settings, overrides, surroundings); !settled) {
        auto& error = settled.error();
        error.detail = fmt::format(
            "the vault IS sealed for {} now, but what comes after was not done, and the audit log "
            "was not told: {}; mend that and run the same again",
            *opener, error.detail.empty() ? std::string(error.reason) : error.detail);
        return failed(error);
    }
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("the vault is sealed for {} and its recovery keys. The master key "
                               "is the same: with a copy of keys/seal.json of before, as backups "
                               "hold it, what opened it before still opens everything\n",
                               *opener)};
}

}  // namespace gh::app
