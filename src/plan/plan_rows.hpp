#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"
#include "storage/session.hpp"

// How this room's values lie in their tables.

namespace gh::plan {

/// What plan_of() reads.
inline constexpr std::string_view plan_columns =
    "SELECT id, name, metadata, state, steps, completed, failed, cancelled, skipped, next_event, "
    "fingerprint, trace, created_by, created_at, updated_at, started_at, ended_at, duration_us "
    "FROM plans WHERE ";
[[nodiscard]] Plan plan_of(const storage::Row& row);

/// What step_of() reads, of `plan_steps AS s`: not the result itself, which read_step() adds.
inline constexpr std::string_view step_words =
    "SELECT s.plan_id, s.id, s.position, s.type, s.name, s.metadata, s.needs, s.join_rule, "
    "s.approval, s.condition, s.max_attempts, s.timeout_us, s.state, s.open_dependencies, "
    "s.done_dependencies, s.attempts, s.available_at, s.lease, s.agent_id, s.lease_expires_at, "
    "s.deadline_at, s.confidence, s.quality, s.result IS NOT NULL, s.reference, s.error, s.parent, "
    "s.started_at, s.ended_at, s.duration_us, s.approved_by ";
inline constexpr std::string_view from_steps = "FROM plan_steps AS s WHERE ";
[[nodiscard]] Step step_of(const storage::Row& row);
[[nodiscard]] std::vector<Step> steps_of(const storage::Rows& rows);

/// What attempt_of() reads.
inline constexpr std::string_view attempt_columns =
    "SELECT lease, plan_id, step_id, agent_id, number, state, started_at, ended_at, duration_us, "
    "error FROM plan_attempts WHERE ";
[[nodiscard]] Attempt attempt_of(const storage::Row& row);

/// @return `not_found` "plan.unknown", "plan.step_unknown"
[[nodiscard]] Task<Result<Plan>> read_plan(storage::Session& session, std::string id);
/// The same for who will change it: others that would wait.
[[nodiscard]] Task<Result<Plan>> lock_plan(storage::Session& session, std::string id);
[[nodiscard]] Task<Result<Step>> read_step(storage::Session& session, std::string plan_id,
                                           std::string step_id);

[[nodiscard]] std::string needs_of(std::vector<std::string> capabilities);
[[nodiscard]] std::vector<std::string> words_of(std::string_view needs);
[[nodiscard]] inline std::int64_t microseconds_in(milliseconds duration) {
    return std::chrono::microseconds(duration).count();
}

}  // namespace gh::plan
