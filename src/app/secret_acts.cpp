#include "app/secret_acts.hpp"

#include <utility>

#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "net/run_task.hpp"
#include "vault/acts.hpp"

namespace gh::app {

storage::Also<vault::SecretChange> recorded_secret(std::string action) {
    return vault::recorded_with(audit::act_of_shell(std::move(action), "secret"));
}

Task<Result<void>> told_read(State& state, std::string path, std::uint64_t version) {
    auto told = audit::act_of_shell("secret.read", "secret", std::move(path));
    told.details = {{"version", static_cast<std::int64_t>(version)}};
    return act_recorded(state, std::move(told));
}

Result<void> record_read(State& state, const std::string& path, std::uint64_t version) {
    return net::run_to_end(told_read(state, path, version));
}

}  // namespace gh::app
