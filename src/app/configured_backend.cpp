#include "app/configured_backend.hpp"

#include <utility>

#include "app/secret_acts.hpp"
#include "base/try.hpp"
#include "vault/backend/azure_backend.hpp"
#include "vault/backend/environment_backend.hpp"
#include "vault/backend/sealed_backend.hpp"

namespace gh::app {

Result<ConfiguredBackend> open_backend(const ReadSettings& read, const Overrides& overrides,
                                       const Surroundings& surroundings) {
    ConfiguredBackend opened;
    const auto& vault = read.settings.vault;
    if (vault.backend == vault::BackendKind::environment) {
        opened.backend = vault::environment_backend(read.environment);
        return opened;
    }
    if (vault.backend == vault::BackendKind::azure) {
        GH_TRY(opened.backend, vault::azure_backend(vault.azure));
        return opened;
    }
    GH_TRY(opened.house, open_verb_state(overrides, surroundings));
    auto& state = *opened.house->state;
    vault::SealedActs acts{.changed = recorded_secret,
                           .read = [&state](std::string path, std::uint64_t version) {
                               return told_read(state, std::move(path), version);
                           }};
    opened.backend =
        vault::sealed_backend({*state.database, *opened.house->keyring}, std::move(acts));
    return opened;
}

}  // namespace gh::app
