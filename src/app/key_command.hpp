#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct KeyOptions {
    std::string name;  ///< of a new key; the id of one that is there
    std::string owner;
    std::string subject;  ///< empty: the id
    std::vector<std::string> roles, scopes;
    std::string expires;  ///< a duration such as 30d; empty: never
    bool service = false;
    bool json = false;
};

/// `key create`: prints the key alone on standard output, this once.
[[nodiscard]] CommandResult key_create(const Overrides& overrides, const Surroundings& surroundings,
                                       const KeyOptions& options);
[[nodiscard]] CommandResult key_list(const Overrides& overrides, const Surroundings& surroundings,
                                     const KeyOptions& options);
/// `key rotate`: a new secret under the same id; the old one ends now.
[[nodiscard]] CommandResult key_rotate(const Overrides& overrides, const Surroundings& surroundings,
                                       const KeyOptions& options);
[[nodiscard]] CommandResult key_revoke(const Overrides& overrides, const Surroundings& surroundings,
                                       const KeyOptions& options);

}  // namespace gh::app
