#pragma once

#include <string>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct BusOptions {
    std::string
        name;  ///< the id of a task or a message, an inbox; of a task that is made its title
    std::string state, assignee, description, input;
    std::string recipient, conversation;
    std::size_t limit = 50;
    bool json = false;
};

using BusCommand = CommandResult (*)(const Overrides&, const Surroundings&, const BusOptions&);

[[nodiscard]] CommandResult tasks_list(const Overrides& overrides, const Surroundings& surroundings,
                                       const BusOptions& options);
[[nodiscard]] CommandResult tasks_show(const Overrides& overrides, const Surroundings& surroundings,
                                       const BusOptions& options);
/// `tasks create`: prints its id alone on standard output; whoever has it is told.
[[nodiscard]] CommandResult tasks_create(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const BusOptions& options);
[[nodiscard]] CommandResult tasks_cancel(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const BusOptions& options);
[[nodiscard]] CommandResult tasks_delete(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const BusOptions& options);

[[nodiscard]] CommandResult messages_history(const Overrides& overrides,
                                             const Surroundings& surroundings,
                                             const BusOptions& options);
/// `messages dead`: what was given up.
[[nodiscard]] CommandResult messages_dead(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const BusOptions& options);
[[nodiscard]] CommandResult messages_inboxes(const Overrides& overrides,
                                             const Surroundings& surroundings,
                                             const BusOptions& options);
/// `messages replay`: one that was given up goes back where it stood.
[[nodiscard]] CommandResult messages_replay(const Overrides& overrides,
                                            const Surroundings& surroundings,
                                            const BusOptions& options);
[[nodiscard]] CommandResult messages_delete(const Overrides& overrides,
                                            const Surroundings& surroundings,
                                            const BusOptions& options);
/// `messages empty`: forgets what waits in an inbox.
[[nodiscard]] CommandResult messages_empty(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const BusOptions& options);

}  // namespace gh::app
