#pragma once

#include <string>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct PlansOptions {
    std::string id, step;
    std::string file;  ///< of a plan; "-": standard input
    std::string state;
    std::string reason;
    bool reject = false;
    bool json = false;
};

using PlansCommand = CommandResult (*)(const Overrides&, const Surroundings&, const PlansOptions&);

/// `plans create`: prints the id alone on standard output.
[[nodiscard]] CommandResult plans_create(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const PlansOptions& options);
[[nodiscard]] CommandResult plans_list(const Overrides& overrides, const Surroundings& surroundings,
                                       const PlansOptions& options);
/// `plans show`: the plan and its steps.
[[nodiscard]] CommandResult plans_show(const Overrides& overrides, const Surroundings& surroundings,
                                       const PlansOptions& options);
[[nodiscard]] CommandResult plans_cancel(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const PlansOptions& options);
/// `plans approve`: a step that waits for a person; --reject: it fails.
[[nodiscard]] CommandResult plans_approve(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const PlansOptions& options);
[[nodiscard]] CommandResult plans_statistics(const Overrides& overrides,
                                             const Surroundings& surroundings,
                                             const PlansOptions& options);
/// `plans watch`: tells events as they come, and how far it is, until the plan has ended. Exit code 1: not completed.
[[nodiscard]] CommandResult plans_watch(const Overrides& overrides,
                                        const Surroundings& surroundings,
                                        const PlansOptions& options);

}  // namespace gh::app
