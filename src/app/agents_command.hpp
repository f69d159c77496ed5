#pragma once

#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct AgentsOptions {
    std::string name;  ///< a host name, or an id
    std::string status;
    std::vector<std::string> labels;  ///< "zone=a"
    std::vector<std::string> capabilities;
    std::string expires;  ///< of a one-time token; empty: as the configuration says
    bool json = false;
    std::string file;  ///< of `import`
    bool dry_run = false;
};

using AgentsCommand = CommandResult (*)(const Overrides&, const Surroundings&,
                                        const AgentsOptions&);

[[nodiscard]] CommandResult agents_list(const Overrides& overrides,
                                        const Surroundings& surroundings,
                                        const AgentsOptions& options);
[[nodiscard]] CommandResult agents_show(const Overrides& overrides,
                                        const Surroundings& surroundings,
                                        const AgentsOptions& options);
/// `agents add`: prints the one-time token alone on standard output, this once.
[[nodiscard]] CommandResult agents_add(const Overrides& overrides, const Surroundings& surroundings,
                                       const AgentsOptions& options);
/// `agents enrol-token`: another one; the one before and its certificates end.
[[nodiscard]] CommandResult agents_enrol_token(const Overrides& overrides,
                                               const Surroundings& surroundings,
                                               const AgentsOptions& options);
[[nodiscard]] CommandResult agents_quarantine(const Overrides& overrides,
                                              const Surroundings& surroundings,
                                              const AgentsOptions& options);
/// `agents release`: out of quarantine; it comes back with another one-time token.
[[nodiscard]] CommandResult agents_release(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const AgentsOptions& options);
[[nodiscard]] CommandResult agents_retire(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const AgentsOptions& options);

/// `agents import`: what a program without a database kept, see agents::import_dump().
[[nodiscard]] CommandResult agents_import(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const AgentsOptions& options);

}  // namespace gh::app
