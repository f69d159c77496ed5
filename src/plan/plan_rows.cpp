#include "plan/plan_rows.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "storage/joined.hpp"

namespace gh::plan {
namespace {

using storage::joined;
using storage::Statement;

constexpr std::string_view by_id = "id = $1";
constexpr std::string_view by_id_locked = "id = $1 FOR UPDATE";
constexpr Statement select_plan{.name = "plans.find", .sql = joined<plan_columns, by_id>};
constexpr Statement select_plan_locked{.name = "plans.lock",
                                       .sql = joined<plan_columns, by_id>,
                                       .postgres = joined<plan_columns, by_id_locked>};
constexpr std::string_view and_result = ", s.result ";
constexpr std::size_t result_column = 31;
constexpr std::string_view by_step = "s.plan_id = $1 AND s.id = $2";
constexpr Statement select_step{.name = "plan_steps.find",
                                .sql = joined<step_words, and_result, from_steps, by_step>};

std::optional<milliseconds> duration_of(const storage::Row& row, std::size_t column) {
    if (row.is_null(column)) return {};
    return std::chrono::floor<milliseconds>(std::chrono::microseconds(row.integer(column)));
}

std::optional<double> number_of(const storage::Row& row, std::size_t column) {
    if (row.is_null(column)) return {};
    return row.number(column);
}

}  // namespace

Plan plan_of(const storage::Row& row) {
    Plan plan;
    plan.id = row.text(0);
    plan.name = row.text(1);
    plan.metadata = row.text(2);
    plan.state = plan_state_of(row.text(3)).value_or(PlanState::failed);
    plan.tally = {.steps = row.integer(4),
                  .completed = row.integer(5),
                  .failed = row.integer(6),
                  .cancelled = row.integer(7),
                  .skipped = row.integer(8)};
    plan.next_event = row.integer(9);
    plan.fingerprint = row.text(10);
    plan.trace = row.text(11);
    plan.created_by = row.text(12);
    plan.created_at = row.time(13);
    plan.updated_at = row.time(14);
    plan.started_at = row.optional_time(15);
    plan.ended_at = row.optional_time(16);
    plan.duration = duration_of(row, 17);
    return plan;
}

Step step_of(const storage::Row& row) {
    Step step;
    step.plan_id = row.text(0);
    step.id = row.text(1);
    step.position = row.integer(2);
    step.type = row.text(3);
    step.name = row.text(4);
    step.metadata = row.text(5);
    step.needs = row.text(6);
    step.join = row.text(7) == "any" ? Join::any : Join::all;
    step.approval = row.integer(8) != 0;
    step.condition = row.text(9);
    step.max_attempts = row.integer(10);
    step.timeout = std::chrono::floor<milliseconds>(std::chrono::microseconds(row.integer(11)));
    step.state = step_state_of(row.text(12)).value_or(StepState::failed);
    step.open = row.integer(13);
    step.done = row.integer(14);
    step.attempts = row.integer(15);
    step.available_at = row.time(16);
    step.lease = row.text(17);
    step.agent_id = row.text(18);
    step.lease_expires_at = row.optional_time(19);
    step.deadline_at = row.optional_time(20);
    step.confidence = number_of(row, 21);
    step.quality = number_of(row, 22);
    step.has_result = row.boolean(23);
    step.reference = row.optional_text(24);
    step.error = row.text(25);
    step.parent = row.text(26);
    step.started_at = row.optional_time(27);
    step.ended_at = row.optional_time(28);
    step.duration = duration_of(row, 29);
    step.approved_by = row.text(30);
    return step;
}

std::vector<Step> steps_of(const storage::Rows& rows) {
    std::vector<Step> steps;
    steps.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) steps.push_back(step_of(rows[i]));
    return steps;
}

Attempt attempt_of(const storage::Row& row) {
    Attempt attempt;
    attempt.lease = row.text(0);
    attempt.plan_id = row.text(1);
    attempt.step_id = row.text(2);
    attempt.agent_id = row.text(3);
    attempt.number = row.integer(4);
    attempt.state = attempt_state_of(row.text(5)).value_or(AttemptState::lost);
    attempt.started_at = row.time(6);
    attempt.ended_at = row.optional_time(7);
    attempt.duration = duration_of(row, 8);
    attempt.error = row.text(9);
    return attempt;
}

Task<Result<Plan>> read_plan(storage::Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_plan, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "plan.unknown");
    co_return plan_of(*row);
}

Task<Result<Plan>> lock_plan(storage::Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_plan_locked, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "plan.unknown");
    co_return plan_of(*row);
}

Task<Result<Step>> read_step(storage::Session& session, std::string plan_id, std::string step_id) {
    GH_CO_TRY(const auto row,
              co_await session.query_one(select_step, std::move(plan_id), std::move(step_id)));
    if (!row) co_return fail(ErrorKind::not_found, "plan.step_unknown");
    auto step = step_of(*row);
    step.result = (*row).optional_text(result_column);
    co_return step;
}

std::string needs_of(std::vector<std::string> capabilities) {
    std::ranges::sort(capabilities);
    std::string text;
    for (const auto& word : capabilities) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<std::string> words_of(std::string_view needs) {
    std::vector<std::string> words;
    while (!needs.empty()) {
        const auto end = std::min(needs.find(' '), needs.size());
        words.emplace_back(needs.substr(0, end));
        needs.remove_prefix(std::min(needs.size(), end + 1));
    }
    return words;
}

}  // namespace gh::plan
