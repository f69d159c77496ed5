#include "bus/task.hpp"

#include <algorithm>

namespace gh::bus {
namespace {

constexpr std::array<std::string_view, task_states.size()> names{
    "open", "assigned", "in_progress", "completed", "failed", "cancelled"};

}  // namespace

std::string_view name_of(TaskState state) { return names[static_cast<std::size_t>(state)]; }

std::optional<TaskState> task_state_of(std::string_view name) {
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return task_states[static_cast<std::size_t>(found - names.begin())];
}

bool may_become(TaskState from, TaskState to) {
    if (is_over(from)) return false;
    switch (to) {
        case TaskState::open:
        case TaskState::assigned: return false;
        case TaskState::in_progress: return from == TaskState::assigned;
        case TaskState::completed:
        case TaskState::failed:
            return from == TaskState::assigned || from == TaskState::in_progress;
        case TaskState::cancelled: break;
    }
    return true;
}

}  // namespace gh::bus
