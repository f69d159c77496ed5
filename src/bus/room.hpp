#pragma once

#include <vector>

#include "api/route.hpp"
#include "bus/bus.hpp"
#include "bus/message_repository.hpp"
#include "bus/task_repository.hpp"

namespace gh::bus {

/// What the routes of this room work with. Outlives them.
struct Room {
    /// What `parts` names outlives it.
    explicit Room(Bus::Parts parts)
        : messages(parts.database),
          tasks(parts.database, task_limits_of(parts.config)),
          bus(std::move(parts)) {}

    MessageRepository messages;
    TaskRepository tasks;
    Bus bus;
};

/// Who waits at one inbox, of one node: each message wakes all of them.
inline constexpr std::size_t waits_max = 16;

[[nodiscard]] std::vector<api::Route> message_routes(Room& room);
[[nodiscard]] std::vector<api::Route> inbox_routes(Room& room);
[[nodiscard]] std::vector<api::Route> socket_routes(Room& room);
[[nodiscard]] std::vector<api::Route> history_routes(Room& room);
[[nodiscard]] std::vector<api::Route> task_routes(Room& room);

}  // namespace gh::bus
