#pragma once

#include <string>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct KillOptions {
    std::string name;  ///< of an agent, of a principal, of a receipt
    std::string reason;
    bool dry_run = false;
    bool json = false;
};

using KillCommand = CommandResult (*)(const Overrides&, const Surroundings&, const KillOptions&);

[[nodiscard]] CommandResult kill_agent(const Overrides& overrides, const Surroundings& surroundings,
                                       const KillOptions& options);
[[nodiscard]] CommandResult kill_principal(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const KillOptions& options);
[[nodiscard]] CommandResult kill_list(const Overrides& overrides, const Surroundings& surroundings,
                                      const KillOptions& options);
[[nodiscard]] CommandResult kill_show(const Overrides& overrides, const Surroundings& surroundings,
                                      const KillOptions& options);

}  // namespace gh::app
