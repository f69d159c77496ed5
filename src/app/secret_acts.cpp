#include "app/secret_acts.hpp"

#include <utility>

#include "audit/act.hpp"
#include "vault/acts.hpp"

namespace gh::app {

storage::Also<vault::SecretChange> recorded_secret(std::string action) {
    return vault::recorded_with(audit::act_of_shell(std::move(action), "secret"));
}

}  // namespace gh::app
