#pragma once

#include <string>

#include "app/settings.hpp"

namespace gh::app {

/// What a verb of the command line leaves behind.
struct CommandResult {
    int exit_code = 0;  ///< 0 done, 2 the configuration or its use is wrong
    std::string out;    ///< for standard output
    std::string err;    ///< for standard error
};

/// `config check`: is it good, and what does it mean?
[[nodiscard]] CommandResult config_check(const Overrides& overrides,
                                         const Surroundings& surroundings);
/// `config show`: the effective configuration as YAML; secrets masked, references as written.
[[nodiscard]] CommandResult config_show(const Overrides& overrides,
                                        const Surroundings& surroundings);
/// `config schema`: JSON Schema 2020-12, for editors.
[[nodiscard]] CommandResult config_schema();

/// The effective configuration as a tree; what came through a reference stands as it was written.
[[nodiscard]] config::Node show_settings(const Settings& settings, const config::Origins& origins);
/// What the settings mean, for people: listeners, routes in order, upstreams, credentials.
[[nodiscard]] std::string explain(const Settings& settings);

}  // namespace gh::app
