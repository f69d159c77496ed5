#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/task.hpp"
#include "storage/database.hpp"

namespace gh::bus {

struct TaskChange {
    std::optional<std::string> title, description, assignee, input, result;
    std::optional<TaskState> state;
    std::optional<std::int64_t> expected_version;
};

struct ChangedTask {
    TaskRow task;
    bool newly_assigned = false;  ///< to somebody who did not have it
};

/// Which tasks: the newest first, or the oldest.
struct TaskPage {
    bool oldest_first = false;
    std::size_t limit = 50;
    std::size_t offset = 0;
    std::optional<std::pair<SystemTime, std::string>> after;
    std::optional<std::string> assignee;
    std::optional<TaskState> state;
};

/// Errors besides storage's: `not_found` "task.unknown"; `conflict` "task.changed" (another version than was expected),
/// "task.state" (no such step, see may_become()), "task.over" (it changes no more), "task.exists".
class TaskRepository {
 public:
    explicit TaskRepository(storage::Database& database) : database_(database) {}

    /// @param task  with its id, its times, and the state that its assignee makes
    [[nodiscard]] Task<Result<TaskRow>> add(TaskRow task, storage::Also<TaskRow> also = {});
    [[nodiscard]] Task<Result<TaskRow>> find(std::string id);
    [[nodiscard]] Task<Result<std::vector<TaskRow>>> list(TaskPage page);
    /// Another assignee makes it `assigned` anew; an empty one makes it `open`.
    [[nodiscard]] Task<Result<ChangedTask>> change(std::string id, TaskChange change,
                                                   SystemTime now,
                                                   storage::Also<ChangedTask> also = {});
    [[nodiscard]] Task<Result<TaskRow>> remove(std::string id, storage::Also<TaskRow> also = {});

 private:
    storage::Database& database_;
};

}  // namespace gh::bus
