#include "vault/acts.hpp"

#include <utility>

namespace gh::vault {

storage::Also<SecretChange> recorded_with(audit::Record record) {
    return audit::also<SecretChange>(
        std::move(record), [](audit::Record& told, const SecretChange& change) {
            told.object_id = change.path;
            if (change.versions.empty()) return;
            told.details.push_back({"version", static_cast<std::int64_t>(change.versions.back())});
            told.details.push_back({"versions", static_cast<std::int64_t>(change.versions.size())});
        });
}

}  // namespace gh::vault
