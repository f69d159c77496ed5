#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "outbox/outbox.hpp"

namespace gh::bus {

/// Where a task stands. See may_become().
enum class TaskState : std::uint8_t {
    open,         ///< nobody has it
    assigned,     ///< its assignee was told
    in_progress,  ///< and works on it
    completed,
    failed,
    cancelled,
};
inline constexpr std::array task_states{TaskState::open,        TaskState::assigned,
                                        TaskState::in_progress, TaskState::completed,
                                        TaskState::failed,      TaskState::cancelled};

[[nodiscard]] std::string_view name_of(TaskState state);
[[nodiscard]] std::optional<TaskState> task_state_of(std::string_view name);

[[nodiscard]] constexpr bool is_over(TaskState state) {
    return state == TaskState::completed || state == TaskState::failed ||
           state == TaskState::cancelled;
}
/// Is it a step that there is? What is over stays so. `open` and `assigned` are not stepped to: they say whether somebody has
/// it.
[[nodiscard]] bool may_become(TaskState from, TaskState to);

inline constexpr std::size_t title_characters_max = 256;
inline constexpr std::size_t description_characters_max = 8'000;
inline constexpr std::size_t task_data_bytes_max = 64 * 1024;

struct TaskRow {
    std::string id;  ///< a UUID
    std::string title, description;
    TaskState state = TaskState::open;
    std::string assignee;       ///< an address; empty: nobody
    std::string input = "{}";   ///< a JSON object
    std::string result = "{}";  ///< a JSON object
    std::string created_by;
    std::int64_t version = 1;
    SystemTime created_at, updated_at;
};
/// What it counts where bytes are limited.
[[nodiscard]] std::int64_t bytes_of(const TaskRow& task);

/// Who has it is told so.
/// @param trace  a traceparent; may be empty
[[nodiscard]] outbox::Notice notice_of(const TaskRow& task, std::string sender, std::string trace);

}  // namespace gh::bus
