#include <fmt/format.h>

#include <optional>
#include <utility>

#include "app/secrets_command.hpp"
#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/run_task.hpp"
#include "vault/protector.hpp"
#include "vault/seal.hpp"

// Who can open the seal.

namespace gh::app {
namespace {

using std::filesystem::path;

Result<void> record_act(State& state, audit::Record told) {
    told.severity = audit::Severity::high;
    auto work = [told = std::move(told)](storage::Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await audit::Log::lock(session));
        co_return co_await audit::Log::append(session, told);
    };
    return net::run_to_end(state.database->write(std::move(work)));
}

/// What opened the seal so far, as the command line says.
Result<std::unique_ptr<vault::Protector>> former_protector(const path& keys,
                                                           const SecretsOptions& options) {
    const auto typed = crypto::text_of(options.typed.bytes());
    if (options.old_passphrase) return vault::passphrase_protector(typed);
    if (!options.recovery_key) {
        return vault::key_file_protector(options.old_key_file.empty() ? keys / own_key_file
                                                                      : path(options.old_key_file));
    }
    GH_TRY(auto key, vault::RecoveryKey::parse(typed));
    return std::move(key).protector();
}

/// @return what opens it now
Result<std::string> move_seal(const Settings& settings, const SecretsOptions& options) {
    const auto keys = settings.data_dir / "keys";
    GH_TRY_VOID(check_data_dir(settings));
    GH_TRY(const auto folder, DataFolder::open(settings, DataFolder::Use::shared));
    if (!vault::Seal::exists(keys)) {
        return fail(ErrorKind::not_found, "seal.absent",
                    "there is no seal in " + keys.string() + " yet; the first start makes one");
    }
    GH_TRY(const auto lock, lock_seal(settings));
    GH_TRY(const auto former, former_protector(keys, options));
    GH_TRY(auto seal, vault::Seal::open(keys, *former));
    if (settings.vault.sources().empty()) GH_TRY_VOID(make_own_key(settings));
    const auto next = protector_of(settings);
    GH_TRY_VOID(seal.move_to(*next));
    return next->name();
}

struct Added {
    crypto::Secret text;
};

Result<Added> add_recovery_key(const Overrides& overrides, const Surroundings& surroundings) {
    GH_TRY(const auto verb, open_verb_state(overrides, surroundings));
    GH_TRY(const auto lock, lock_seal(verb->settings));
    const auto protector = protector_of(verb->settings);
    GH_TRY(auto seal, vault::Seal::open(verb->settings.data_dir / "keys", *protector));
    auto key = vault::RecoveryKey::generate();
    auto text = key.text();
    const auto recovering = std::move(key).protector();
    GH_TRY_VOID(
        record_act(*verb->state, audit::act_of_shell("vault.recovery_key", "vault", "seal")));
    GH_TRY_VOID(seal.add(*recovering));
    return Added{std::move(text)};
}

}  // namespace

CommandResult secrets_recovery_key(const Overrides& overrides, const Surroundings& surroundings,
                                   const SecretsOptions& /*options*/) {
    const auto added = add_recovery_key(overrides, surroundings);
    if (!added) return failed(added.error());
    return {.exit_code = 0,
            .out = std::string(crypto::text_of(added->text.bytes())) + "\n",
            .err =
                "this key opens the vault when every other key is lost; it is shown this once, "
                "keep it elsewhere\n"};
}

CommandResult secrets_unseal(const Overrides& overrides, const Surroundings& surroundings,
                             const SecretsOptions& options) {
    const auto read = read_settings(overrides, surroundings);
    if (!read) return failed(read.error());
    const auto opener = move_seal(read->settings, options);
    if (!opener) return failed(opener.error());
    // Opened once more, as the next start will.
    const auto verb = open_verb_state(overrides, surroundings);
    const auto told =
        verb ? record_act(*(*verb)->state, audit::act_of_shell("vault.unseal", "vault", "seal"))
             : std::unexpected(verb.error());
    if (!told) return failed(told.error());
    return {.exit_code = 0,
            .out = {},
            .err = fmt::format("the vault is sealed for {} and its recovery keys; what opened it "
                               "before opens older backups only\n",
                               *opener)};
}

}  // namespace gh::app
