#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/config.hpp"
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
    std::optional<std::string> assignee, created_by;
    std::optional<TaskState> state;
};

/// Of what there is; that is over goes before others are refused.
struct TaskLimits {
    std::int64_t tasks_max = 100'000;
    std::int64_t bytes_max = std::int64_t{1} << 30;
    std::int64_t maker_tasks_max = 10'000;
    std::int64_t maker_bytes_max = std::int64_t{1} << 27;
};
[[nodiscard]] TaskLimits task_limits_of(const BusConfig& config);

/// Errors besides storage's: `not_found` "task.unknown"; `conflict` "task.changed" (another version than was expected),
/// "task.state" (no such step, see may_become()), "task.over" (it changes no more), "task.exists"; `exhausted`
/// "task.maker_full", "task.full".
class TaskRepository {
 public:
    explicit TaskRepository(storage::Database& database, TaskLimits limits = {})
        : database_(database), limits_(limits) {}

    /// Where its maker has as many as one may have, the oldest of these that are over go; where there are as many as there
    /// may be, it is refused.
    /// @param task  with its id, its times, and the state that its assignee makes
    [[nodiscard]] Task<Result<TaskRow>> add(TaskRow task, storage::Also<TaskRow> also = {});
    [[nodiscard]] Task<Result<TaskRow>> find(std::string id);
    [[nodiscard]] Task<Result<std::vector<TaskRow>>> list(TaskPage page);
    /// Another assignee makes it `assigned` anew; an empty one makes it `open`.
    [[nodiscard]] Task<Result<ChangedTask>> change(std::string id, TaskChange change,
                                                   SystemTime now,
                                                   storage::Also<ChangedTask> also = {});
    [[nodiscard]] Task<Result<TaskRow>> remove(std::string id, storage::Also<TaskRow> also = {});

    static constexpr std::size_t purged_at_once = 100;
    /// Forgets some that were over before, and the oldest of those that are over while there are nearly as many as there may
    /// be; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> purge(SystemTime over_since);

 private:
    storage::Database& database_;
    const TaskLimits limits_;
};

}  // namespace gh::bus
