#include "app/secret_acts.hpp"

#include <utility>

#include "app/verb_state.hpp"
#include "audit/act.hpp"
#include "vault/acts.hpp"

namespace gh::app {

storage::Also<vault::SecretChange> recorded_secret(std::string action) {
    return vault::recorded_with(audit::act_of_shell(std::move(action), "secret"));
}

Result<void> record_read(State& state, const std::string& path, std::uint64_t version) {
    auto told = audit::act_of_shell("secret.read", "secret", path);
    told.details = {{"version", static_cast<std::int64_t>(version)}};
    return record_act(state, std::move(told));
}

}  // namespace gh::app
