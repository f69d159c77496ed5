#include "bus/task.hpp"

#include <algorithm>
#include <utility>

#include "codec/json_writer.hpp"

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

std::int64_t bytes_of(const TaskRow& task) {
    constexpr std::size_t overhead = 512;
    return static_cast<std::int64_t>(task.title.size() + task.description.size() +
                                     task.input.size() + task.result.size() + overhead);
}

outbox::Notice notice_of(const TaskRow& task, std::string sender, std::string trace) {
    std::string body;
    codec::json::Writer out(body);
    out.begin_object().name("task_id").string(task.id).name("title").string(task.title);
    out.end_object();
    return {.recipient = task.assignee,
            .type = "task.assigned",
            .body = std::move(body),
            .sender = std::move(sender),
            .is_task = true,
            .trace = std::move(trace)};
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
