#include "app/secret_acts.hpp"

#include <utility>

#include "audit/act.hpp"

namespace gh::app {

storage::Also<vault::SecretChange> recorded_secret(std::string action) {
    return audit::also<vault::SecretChange>(
        audit::act_of_shell(std::move(action), "secret"),
        [](audit::Record& record, const vault::SecretChange& change) {
            record.object_id = change.path;
            if (!change.versions.empty()) {
                record.details = {{"version", static_cast<std::int64_t>(change.versions.back())},
                                  {"versions", static_cast<std::int64_t>(change.versions.size())}};
            }
        });
}

}  // namespace gh::app
