#pragma once

#include <memory>

#include "app/settings.hpp"
#include "app/verb_state.hpp"
#include "base/error.hpp"
#include "vault/backend/backend.hpp"

namespace gh::app {

/// Where the configuration says that secrets rest, and what that stands on.
struct ConfiguredBackend {
    std::unique_ptr<VerbState> house;  ///< of the sealed store; null for others
    std::unique_ptr<vault::Backend> backend;
};

/// @param read                     what the configuration says
/// @param overrides, surroundings  of the sealed store, which is opened as for a verb
/// @return errors of open_verb_state(), vault::azure_backend()
[[nodiscard]] Result<ConfiguredBackend> open_backend(const ReadSettings& read,
                                                     const Overrides& overrides,
                                                     const Surroundings& surroundings);

}  // namespace gh::app
