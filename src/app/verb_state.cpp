#include "app/verb_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/restoring.hpp"
#include "audit/log.hpp"
#include "base/try.hpp"
#include "config/text.hpp"
#include "net/run_task.hpp"
#include "vault/seal.hpp"

namespace gh::app {

Result<void> check_data_dir(const Settings& settings) {
    std::error_code unknown;
    if (std::filesystem::is_directory(settings.data_dir, unknown)) return {};
    return fail(ErrorKind::not_found, "data_dir.absent",
                fmt::format("there is no data directory {}; name it with --data or --config, or "
                            "make it with gatehouse migrate up",
                            settings.data_dir.native()));
}

namespace {

/// Is there what would be made otherwise?
Result<void> check_vault(const Settings& settings) {
    GH_TRY(const bool sealed, vault::Seal::exists(settings.data_dir / "keys"));
    const auto sqlite = sqlite_file_of(settings);
    std::error_code unknown;
    if (sealed && (sqlite.empty() || std::filesystem::exists(sqlite, unknown))) return {};
    return fail(ErrorKind::not_found, "vault.absent",
                fmt::format("there is no vault in {} yet; gatehouse serve makes it, and so does "
                            "gatehouse secrets set",
                            settings.data_dir.native()));
}

}  // namespace

Result<std::unique_ptr<VerbState>> open_verb_state(const Overrides& overrides,
                                                   const Surroundings& surroundings) {
    GH_TRY(auto read, read_settings(overrides, surroundings));
    auto opened = std::make_unique<VerbState>();
    opened->settings = std::move(read.settings);
    opened->origins = std::move(read.origins);
    GH_TRY_VOID(check_data_dir(opened->settings));
    if (overrides.look_only) GH_TRY_VOID(check_vault(opened->settings));
    GH_TRY(opened->folder, DataFolder::open(opened->settings, DataFolder::Use::shared));
    GH_TRY(auto unsealed, unseal(opened->settings));
    opened->keys = std::move(unsealed.keys);
    opened->keyring = std::move(unsealed.keyring);
    opened->files = std::move(unsealed.files);
    const auto schema = overrides.look_only ? State::Schema::as_it_is : State::Schema::bring_up;
    GH_TRY(opened->state,
           State::open(opened->settings, *opened->keys, opened->registry, nullptr, schema));
    GH_TRY_VOID(net::run_to_end(opened->state->check_schema()));
    GH_TRY_VOID(net::run_to_end(opened->keyring->check(*opened->state->database)));
    return opened;
}

Task<Result<void>> act_recorded(State& state, audit::Record told) {
    auto work = [told = std::move(told)](storage::Session& session) -> Task<Result<void>> {
        GH_CO_TRY_VOID(co_await audit::Log::lock(session));
        co_return co_await audit::Log::append(session, told);
    };
    co_return co_await state.database->write(std::move(work));
}

Result<void> record_act(State& state, audit::Record told) {
    return net::run_to_end(act_recorded(state, std::move(told)));
}

Result<void> check_roles(State& state, const std::vector<std::string>& roles) {
    std::vector<std::string> known{"guest", "user", "manager", "admin"};
    GH_TRY(auto own, net::run_to_end(state.roles.list()));
    for (auto& role : own) known.push_back(std::move(role.name));
    for (const auto& role : roles) {
        if (std::ranges::find(known, role) != known.end()) continue;
        return fail(ErrorKind::invalid_argument, "role.unknown",
                    fmt::format("there is no role {}, allowed: {}", config::quote(role),
                                fmt::join(known, ", ")));
    }
    return {};
}

CommandResult failed(const Error& error) {
    const bool usage = error.reason == "config.invalid" || error.reason == "usage";
    const auto text = error.detail.empty() ? std::string(error.reason) : error.detail;
    return {.exit_code = usage ? 2 : 1,
            .out = {},
            .err = usage ? text + "\n" : fmt::format("gatehouse: {}\n", text)};
}

}  // namespace gh::app
