#include "plan/progress.hpp"

#include <algorithm>
#include <chrono>

#include "base/try.hpp"
#include "plan/condition.hpp"
#include "plan/plan_rows.hpp"
#include "storage/joined.hpp"

namespace gh::plan {
namespace {

using storage::joined;
using storage::Statement;

constexpr Statement update_dependants{
    .name = "plan_steps.count_down",
    .sql =
        "UPDATE plan_steps SET open_dependencies = open_dependencies - 1, "
        "done_dependencies = done_dependencies + $3 WHERE plan_id = $1 AND id IN "
        "(SELECT step_id FROM plan_dependencies WHERE plan_id = $1 AND depends_on = $2)"};
// From the dependencies to their steps, never through all that is pending.
constexpr std::string_view from_dependants =
    "FROM plan_dependencies AS d CROSS JOIN plan_steps AS s "
    "WHERE d.plan_id = $1 AND d.depends_on = $2 AND s.plan_id = d.plan_id AND s.id = d.step_id "
    "AND s.state = 'pending' AND ((s.join_rule = 'all' AND (s.open_dependencies = 0 OR $3 = 0)) "
    "OR (s.join_rule = 'any' AND (s.done_dependencies > 0 OR s.open_dependencies = 0)))";
constexpr Statement select_dependants{.name = "plan_steps.dependants",
                                      .sql = joined<step_words, from_dependants>};
constexpr Statement select_result{
    .name = "plan_steps.result",
    .sql = "SELECT result FROM plan_steps WHERE plan_id = $1 AND id = $2 AND state = 'completed'"};
constexpr Statement update_state{
    .name = "plan_steps.move",
    .sql = "UPDATE plan_steps SET state = $3, available_at = $4 WHERE plan_id = $1 AND id = $2"};
constexpr Statement update_running{
    .name = "plan_steps.run",
    .sql =
        "UPDATE plan_steps SET state = 'running', attempts = $3, lease = $4, agent_id = $5, "
        "lease_expires_at = $6, deadline_at = $7, started_at = $8 WHERE plan_id = $1 AND id = $2"};
constexpr Statement update_released{
    .name = "plan_steps.release",
    .sql =
        "UPDATE plan_steps SET state = $3, available_at = $4, error = $5, "
        "lease_expires_at = NULL, deadline_at = NULL WHERE plan_id = $1 AND id = $2"};
constexpr Statement update_end{
    .name = "plan_steps.end",
    .sql =
        "UPDATE plan_steps SET state = $3, confidence = $4, quality = $5, result = $6, "
        "reference = $7, error = $8, ended_at = $9, duration_us = $10, lease = $11, "
        "agent_id = $12, started_at = $13, lease_expires_at = NULL, deadline_at = NULL "
        "WHERE plan_id = $1 AND id = $2"};
constexpr Statement update_plan{
    .name = "plans.move",
    .sql =
        "UPDATE plans SET state = $2, steps = $3, completed = $4, failed = $5, cancelled = $6, "
        "skipped = $7, next_event = $8, updated_at = $9, started_at = $10, ended_at = $11, "
        "duration_us = $12 WHERE id = $1"};
constexpr Statement insert_event{
    .name = "plan_events.create",
    .sql =
        "INSERT INTO plan_events (plan_id, sequence, at, type, step_id, agent_id, attempt, detail) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"};
constexpr Statement select_open{.name = "plan_steps.open",
                                .sql =
                                    "SELECT id, state, lease FROM plan_steps WHERE plan_id = $1 "
                                    "AND state IN ('pending', 'waiting', "
                                    "'ready', 'running') ORDER BY position"};
constexpr Statement cancel_open{
    .name = "plan_steps.cancel",
    .sql =
        "UPDATE plan_steps SET state = 'cancelled', ended_at = $2, lease_expires_at = NULL, "
        "deadline_at = NULL WHERE plan_id = $1 AND state IN ('pending', 'waiting', 'ready', "
        "'running')"};
constexpr Statement cancel_attempts{
    .name = "plan_attempts.cancel",
    .sql =
        "UPDATE plan_attempts SET state = 'cancelled', ended_at = $2 WHERE state = 'running' AND "
        "lease IN (SELECT lease FROM plan_steps WHERE plan_id = $1 AND state = 'running')"};

std::optional<std::int64_t> whole(std::optional<milliseconds> duration) {
    if (!duration) return {};
    return microseconds_in(*duration);
}

}  // namespace

Task<Result<Progress>> Progress::open(storage::Session& session, std::string plan_id,
                                      SystemTime now) {
    GH_CO_TRY(auto plan, co_await lock_plan(session, std::move(plan_id)));
    co_return Progress(session, std::move(plan), now);
}

Result<void> Progress::move(PlanState to, std::string_view who) {
    if (!may_move(plan_.state, to)) {
        return fail(ErrorKind::conflict, "plan.illegal_move",
                    std::string(name_of(plan_.state)) + " to " + std::string(name_of(to)));
    }
    plan_.state = to;
    if (to == PlanState::running && !plan_.started_at) plan_.started_at = now_;
    if (is_end(to)) {
        plan_ended_ = to;
        plan_.ended_at = now_;
        const auto took = now_ - plan_.started_at.value_or(now_);
        plan_.duration = std::max(std::chrono::floor<milliseconds>(took),
                                  milliseconds(0));  // the clock may step
    }
    tell({.at = now_,
          .type = "plan." + std::string(name_of(to)),
          .step_id = {},
          .agent_id = {},
          .detail = std::string(who)});
    return {};
}

Result<void> Progress::check(const Step& step, StepState to) const {
    if (may_move(step.state, to)) return {};
    return fail(
        ErrorKind::conflict, "plan.illegal_move",
        step.id + ": " + std::string(name_of(step.state)) + " to " + std::string(name_of(to)));
}

void Progress::tell_step(const Step& step, StepState to, std::string_view detail) {
    tell({.at = now_,
          .type = "step." + std::string(name_of(to)),
          .step_id = step.id,
          .agent_id = to == StepState::running || is_end(to) ? step.agent_id : std::string(),
          .detail = std::string(detail),
          .attempt = step.attempts});
}

Task<Result<void>> Progress::set_state(const Step& step, StepState to) {
    GH_CO_TRY_VOID(check(step, to));
    // One that rests before another attempt goes on resting when a pause is over.
    const auto from = step.attempts > 0 ? std::max(step.available_at, now_) : now_;
    if (to == StepState::ready && from <= now_) ++ready_;
    GH_CO_TRY_VOID(co_await session_->execute(update_state, plan_.id, step.id, name_of(to), from));
    tell_step(step, to, {});
    co_return Result<void>{};
}

Task<Result<bool>> Progress::condition_holds(const Step& step) {
    if (step.condition.empty()) co_return true;
    GH_CO_TRY(const auto condition, parse_condition(step.condition, condition_stored_bytes_max));
    std::vector<std::pair<std::string, codec::json::Value>> results;
    for (const auto& id : steps_of(condition)) {
        GH_CO_TRY(const auto row, co_await session_->query_one(select_result, plan_.id, id));
        if (!row || (*row).is_null(0)) continue;
        GH_CO_TRY(auto value, codec::json::parse((*row).text(0)));
        results.emplace_back(id, std::move(value));
    }
    co_return holds(condition, [&results](std::string_view step_id) -> const codec::json::Value* {
        for (const auto& [id, value] : results)
            if (id == step_id) return &value;
        return nullptr;
    });
}

Task<Result<void>> Progress::begin(Step step) {
    GH_CO_TRY_VOID(co_await start(std::move(step)));
    co_return co_await follow();
}

Task<Result<void>> Progress::start(Step step) {
    if (plan_.state == PlanState::paused) co_return Result<void>{};  // resuming it looks again
    GH_CO_TRY(const auto wanted, co_await condition_holds(step));
    if (!wanted) co_return co_await skip(std::move(step), "condition");
    const bool asks = step.approval && step.approved_by.empty();
    co_return co_await set_state(step, asks ? StepState::waiting : StepState::ready);
}

Task<Result<void>> Progress::run(Step step) {
    GH_CO_TRY_VOID(check(step, StepState::running));
    if (plan_.state == PlanState::pending) GH_CO_TRY_VOID(move(PlanState::running));
    GH_CO_TRY_VOID(co_await session_->execute(update_running, plan_.id, step.id, step.attempts,
                                              step.lease, step.agent_id, step.lease_expires_at,
                                              step.deadline_at, step.started_at));
    tell_step(step, StepState::running, {});
    co_return Result<void>{};
}

Task<Result<void>> Progress::release(Step step, SystemTime available_at, std::string_view why) {
    const bool held = plan_.state == PlanState::paused;
    const auto to = held ? StepState::pending : StepState::ready;
    GH_CO_TRY_VOID(check(step, to));
    if (!held && available_at <= now_) ++ready_;
    if (step.state == StepState::running) leases_.push_back(step.lease);
    GH_CO_TRY_VOID(co_await session_->execute(update_released, plan_.id, step.id, name_of(to),
                                              available_at, step.error));
    tell_step(step, to, why);
    co_return Result<void>{};
}

void Progress::count(StepState end) {
    plan_.tally.count(end);
    ended_now_.count(end);
}

Task<Result<void>> Progress::write_end(const Step& step, StepState to) {
    GH_CO_TRY_VOID(co_await session_->execute(
        update_end, plan_.id, step.id, name_of(to), step.confidence, step.quality, step.result,
        step.reference, step.error, now_, whole(step.duration), step.lease, step.agent_id,
        step.started_at));
    count(to);
    ended_.push_back({step.id, to == StepState::completed});
    co_return Result<void>{};
}

Task<Result<void>> Progress::skip(Step step, std::string_view why) {
    GH_CO_TRY_VOID(check(step, StepState::skipped));
    step.error = why;
    GH_CO_TRY_VOID(co_await write_end(step, StepState::skipped));
    tell_step(step, StepState::skipped, why);
    co_return Result<void>{};
}

Task<Result<void>> Progress::end(Step step, StepState to) {
    GH_CO_TRY_VOID(check(step, to));
    if (step.state == StepState::running) leases_.push_back(step.lease);
    GH_CO_TRY_VOID(co_await write_end(step, to));
    tell_step(step, to, step.error);
    co_return co_await follow();
}

Task<Result<void>> Progress::follow() {
    while (!ended_.empty()) {
        auto ended = std::move(ended_.back());
        ended_.pop_back();
        GH_CO_TRY_VOID(co_await follow_one(std::move(ended)));
    }
    co_return Result<void>{};
}

Task<Result<void>> Progress::follow_one(Ended ended) {
    const std::int64_t done = ended.completed ? 1 : 0;
    GH_CO_TRY(const auto dependants,
              co_await session_->execute(update_dependants, plan_.id, ended.id, done));
    if (dependants == 0) co_return Result<void>{};
    GH_CO_TRY(const auto rows,
              co_await session_->query(select_dependants, plan_.id, ended.id, done));
    for (auto& step : plan::steps_of(rows)) {
        switch (turn_of(step.join, step.open, step.done, !ended.completed)) {
            case Turn::wait: break;
            case Turn::begin: GH_CO_TRY_VOID(co_await start(std::move(step))); break;
            case Turn::skip: GH_CO_TRY_VOID(co_await skip(std::move(step), "dependency")); break;
        }
    }
    co_return Result<void>{};
}

Task<Result<void>> Progress::cancel_all(std::string who) {
    GH_CO_TRY(const auto open, co_await session_->query(select_open, plan_.id));
    GH_CO_TRY_VOID(co_await session_->execute(cancel_attempts, plan_.id, now_));
    GH_CO_TRY_VOID(co_await session_->execute(cancel_open, plan_.id, now_));
    for (std::size_t i = 0; i < open.size(); ++i) {
        count(StepState::cancelled);
        Step step;
        step.id = open[i].text(0);
        if (open[i].text(1) == name_of(StepState::running)) leases_.push_back(open[i].text(2));
        tell_step(step, StepState::cancelled, {});
    }
    co_return move(PlanState::cancelled, who);
}

Task<Result<void>> Progress::close() {
    if (plan_.tally.over() && !is_end(plan_.state)) GH_CO_TRY_VOID(move(end_of(plan_.tally)));
    std::vector<storage::Parameters> sets;
    sets.reserve(events_.size());
    for (const auto& event : events_) {
        sets.push_back({storage::to_value(plan_.id), storage::to_value(plan_.next_event++),
                        storage::to_value(event.at), storage::to_value(event.type),
                        storage::to_value(event.step_id), storage::to_value(event.agent_id),
                        storage::to_value(event.attempt), storage::to_value(event.detail)});
    }
    events_.clear();
    GH_CO_TRY_VOID(co_await session_->execute_many(insert_event, std::move(sets)));
    const auto& tally = plan_.tally;
    GH_CO_TRY_VOID(co_await session_->execute(
        update_plan, plan_.id, name_of(plan_.state), tally.steps, tally.completed, tally.failed,
        tally.cancelled, tally.skipped, plan_.next_event, now_, plan_.started_at, plan_.ended_at,
        whole(plan_.duration)));
    co_return Result<void>{};
}

}  // namespace gh::plan
