#include <algorithm>
#include <array>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "plan/expand.hpp"
#include "plan/plan_rows.hpp"
#include "plan/retry.hpp"
#include "plan/work_repository.hpp"
#include "storage/joined.hpp"

// How steps end: by their agents' word, or by their silence.

namespace gh::plan {
namespace {

using storage::joined;
using storage::Session;
using storage::Statement;

constexpr std::string_view by_lease = "lease = $1";
constexpr Statement select_attempt{.name = "plan_attempts.find",
                                   .sql = joined<attempt_columns, by_lease>};
constexpr Statement end_attempt{
    .name = "plan_attempts.end",
    .sql =
        "UPDATE plan_attempts SET state = $2, ended_at = $3, duration_us = $4, error = $5 "
        "WHERE lease = $1"};
constexpr Statement update_lease{
    .name = "plan_steps.renew",
    .sql =
        "UPDATE plan_steps SET lease_expires_at = $3 WHERE plan_id = $1 AND id = $2 "
        "AND state = 'running' AND lease = $4 AND lease_expires_at < $3"};
constexpr std::string_view expired_first =
    "s.state = 'running' AND s.lease_expires_at < $1 ORDER BY s.lease_expires_at LIMIT $2";
constexpr Statement select_expired{.name = "plan_steps.expired",
                                   .sql = joined<step_words, from_steps, expired_first>};
constexpr std::string_view of_agent = "s.state = 'running' AND s.agent_id = $1";
constexpr Statement select_of_agent{.name = "plan_steps.of_agent",
                                    .sql = joined<step_words, from_steps, of_agent>};
// Those of steps that have no other end yet.
constexpr Statement cancel_silent{
    .name = "plan_attempts.cancel_silent",
    .sql =
        "UPDATE plan_attempts SET state = 'cancelled' WHERE agent_id = $1 "
        "AND state IN ('lost', 'timed_out') AND EXISTS (SELECT 1 FROM plan_steps s "
        "WHERE s.plan_id = plan_attempts.plan_id AND s.id = plan_attempts.step_id "
        "AND s.state IN ('pending', 'waiting', 'ready', 'running'))"};
double jitter() {
    std::array<std::uint8_t, 2> bytes{};
    random_bytes(bytes);
    return static_cast<double>(bytes[0] * 256 + bytes[1]) / 65535.0;
}

Task<Result<Attempt>> read_attempt(Session& session, LeaseNamed named) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_attempt, named.lease));
    if (!row) co_return fail(ErrorKind::not_found, "plan.lease_unknown");
    auto attempt = attempt_of(*row);
    GH_CO_TRY_VOID(check_named(named, attempt.agent_id, attempt.plan_id, attempt.step_id));
    co_return attempt;
}

Task<Result<void>> end_it(Session& session, const Attempt& attempt, AttemptState state,
                          std::optional<milliseconds> took, std::string error, SystemTime now) {
    std::optional<std::int64_t> microseconds;
    if (took) microseconds = microseconds_in(*took);
    GH_CO_TRY_VOID(co_await session.execute(end_attempt, attempt.lease, name_of(state), now,
                                            microseconds, std::move(error)));
    co_return Result<void>{};
}

/// @return `conflict` "plan.too_many_steps", "plan.too_many_dependencies", with nothing put
Task<Result<void>> put_children(Session& session, Progress& progress, const Step& step,
                                std::vector<NewStep> children, std::size_t steps_max) {
    if (children.empty()) co_return Result<void>{};
    const auto all = static_cast<std::size_t>(progress.plan().tally.steps);
    if (all + children.size() > steps_max)
        co_return fail(ErrorKind::conflict, "plan.too_many_steps");
    co_return co_await expand(session, progress, step, std::move(children));
}

bool is_too_much(const Error& error) {
    return error.reason == "plan.too_many_steps" || error.reason == "plan.too_many_dependencies";
}

/// Who reported late hears no refusal any more: what was found is kept, and the plan says why it goes no further.
Task<Result<StepState>> end_too_much(Session& session, Progress& progress, Step step) {
    step.error = "it became more than a plan may have";
    Attempt attempt;
    attempt.lease = step.lease;
    GH_CO_TRY_VOID(co_await end_it(session, attempt, AttemptState::failed, step.duration,
                                   step.error, progress.now()));
    GH_CO_TRY_VOID(co_await progress.end(std::move(step), StepState::failed));
    co_return StepState::failed;
}

Task<Result<StepState>> complete(Session& session, Progress& progress, Step step, Finish finish,
                                 std::size_t steps_max) {
    step.confidence = finish.confidence;
    step.quality = finish.quality;
    step.result = std::move(finish.result);
    step.has_result = step.result.has_value();
    step.reference = std::move(finish.reference);
    step.error.clear();
    auto put = co_await put_children(session, progress, step, std::move(finish.expand), steps_max);
    if (!put) {
        if (!finish.late || !is_too_much(put.error()))
            co_return std::unexpected(std::move(put).error());
        co_return co_await end_too_much(session, progress, std::move(step));
    }
    GH_CO_TRY_VOID(co_await progress.end(std::move(step), StepState::completed));
    co_return StepState::completed;
}

/// A failure, or a silence: another attempt, or the end.
Task<Result<StepState>> fail_step(Progress& progress, Step step, bool retryable, milliseconds delay,
                                  std::string_view why) {
    if (!retryable || step.attempts >= step.max_attempts) {
        GH_CO_TRY_VOID(co_await progress.end(std::move(step), StepState::failed));
        co_return StepState::failed;
    }
    GH_CO_TRY_VOID(co_await progress.release(std::move(step), progress.now() + delay, why));
    co_return StepState::ready;
}

/// What was acknowledged while the database was away, of a lease that another node has ended since: it counts as long as the
/// step has no other end.
Task<Result<bool>> take_back(Session& session, Progress& progress, Step& step,
                             const Attempt& attempt) {
    const auto now = progress.now();
    if (step.state == StepState::running) {
        Attempt other;
        other.lease = step.lease;
        progress.end_lease(step.lease);
        GH_CO_TRY_VOID(co_await end_it(session, other, AttemptState::cancelled, {},
                                       "it was finished before", now));
    } else if (step.state != StepState::ready && step.state != StepState::pending) {
        co_return false;
    }
    step.state = StepState::running;
    step.lease = attempt.lease;
    step.agent_id = attempt.agent_id;
    step.attempts = attempt.number;
    step.started_at = attempt.started_at;
    co_return true;
}

Finished finished(const Attempt& attempt) {
    return {.plan_id = attempt.plan_id,
            .step_id = attempt.step_id,
            .attempt = attempt.number,
            .again = false,
            .state = {},
            .took = attempt.duration,
            .stir = {}};
}

/// An attempt that has ended before: the same call again, or one that comes too late.
Result<std::optional<Finished>> judge_ended(const Attempt& attempt, const Finish& finish) {
    const auto same = finish.completed ? AttemptState::completed : AttemptState::failed;
    if (attempt.state == AttemptState::running) return std::optional<Finished>();
    auto known = finished(attempt);
    if (attempt.state == same) {
        known.again = true;
        return std::optional(std::move(known));
    }
    const bool ended_by_silence =
        attempt.state == AttemptState::lost || attempt.state == AttemptState::timed_out;
    if (finish.late)
        return ended_by_silence && finish.completed ? std::optional<Finished>()
                                                    : std::optional(std::move(known));
    const bool said_otherwise =
        attempt.state == AttemptState::completed || attempt.state == AttemptState::failed;
    return fail(ErrorKind::conflict, said_otherwise ? "plan.illegal_move" : "plan.lease_lost");
}

milliseconds measured(const Finish& finish, const Attempt& attempt, SystemTime now) {
    const auto by_clock = std::chrono::floor<milliseconds>(now - attempt.started_at);
    return std::max(finish.took.value_or(by_clock), milliseconds(0));
}

Task<Result<StepState>> end_by(Session& session, Progress& progress, Step step, Finish finish,
                               WorkRules rules) {
    if (finish.completed)
        co_return co_await complete(session, progress, std::move(step), std::move(finish),
                                    rules.steps_max);
    step.error = finish.error;
    const auto delay = retry_delay(step.attempts, rules.retry_first, rules.retry_most, jitter());
    co_return co_await fail_step(progress, std::move(step), finish.retryable, delay, finish.error);
}

/// @param all  of one plan
Task<Result<void>> end_silent(Session& session, Progress& progress, std::vector<Step> all,
                              std::string_view silence, AttemptState lost, Expired& expired) {
    for (auto& step : all) {
        const auto now = progress.now();
        const bool late =
            lost == AttemptState::lost && step.deadline_at && now >= *step.deadline_at;
        ++(late ? expired.timed_out : expired.lost);
        Attempt attempt;
        attempt.lease = step.lease;
        step.error = late ? "it took longer than it may" : silence;
        GH_CO_TRY_VOID(co_await end_it(session, attempt, late ? AttemptState::timed_out : lost, {},
                                       step.error, now));
        const auto why = step.error;
        GH_CO_TRY(const auto state,
                  co_await fail_step(progress, std::move(step), true, milliseconds(0), why));
        if (state == StepState::failed) ++expired.failed;
    }
    co_return Result<void>{};
}

Task<Result<Expired>> end_all(Session& session, std::vector<Step> steps, std::string_view silence,
                              AttemptState lost, SystemTime now) {
    std::ranges::sort(steps, {},
                      [](const Step& step) { return std::tie(step.plan_id, step.position); });
    Expired expired;
    for (std::size_t i = 0; i < steps.size();) {
        std::vector<Step> of_plan;
        const auto plan_id = steps[i].plan_id;
        for (; i < steps.size() && steps[i].plan_id == plan_id; ++i)
            of_plan.push_back(std::move(steps[i]));
        GH_CO_TRY(auto progress, co_await Progress::open(session, plan_id, now));
        GH_CO_TRY_VOID(
            co_await end_silent(session, progress, std::move(of_plan), silence, lost, expired));
        GH_CO_TRY_VOID(co_await progress.close());
        expired.stirs.push_back(progress.stir());
    }
    co_return expired;
}

Task<Result<Expired>> put_expired(Session& session, SystemTime now) {
    GH_CO_TRY(const auto rows,
              co_await session.query(select_expired, now, WorkRepository::expired_at_once));
    co_return co_await end_all(session, steps_of(rows), "its agent fell silent", AttemptState::lost,
                               now);
}

}  // namespace

Result<void> check_named(const LeaseNamed& named, std::string_view agent_id,
                         std::string_view plan_id, std::string_view step_id) {
    if (named.agent_id != agent_id)
        return fail(ErrorKind::permission_denied, "plan.lease_of_another");
    const bool other_plan = !named.plan_id.empty() && named.plan_id != plan_id;
    const bool other_step = !named.step_id.empty() && named.step_id != step_id;
    if (other_plan || other_step) return fail(ErrorKind::conflict, "plan.lease_of_other_step");
    return {};
}

Task<Result<Finished>> WorkRepository::put_finish(Session& session, Finish finish, WorkRules rules,
                                                  SystemTime now) {
    GH_CO_TRY(auto attempt, co_await read_attempt(session, finish));
    GH_CO_TRY(auto known, judge_ended(attempt, finish));
    if (known) co_return *std::move(known);
    GH_CO_TRY(auto progress, co_await Progress::open(session, attempt.plan_id, now));
    GH_CO_TRY(auto step, co_await read_step(session, attempt.plan_id, attempt.step_id));
    attempt.duration = measured(finish, attempt, now);
    auto result = finished(attempt);
    if (step.lease != attempt.lease || step.state != StepState::running) {
        if (!finish.late) co_return fail(ErrorKind::conflict, "plan.lease_lost");
        GH_CO_TRY(const auto counts, co_await take_back(session, progress, step, attempt));
        if (!counts) co_return result;
    }
    step.duration = attempt.duration;
    GH_CO_TRY_VOID(co_await end_it(
        session, attempt, finish.completed ? AttemptState::completed : AttemptState::failed,
        attempt.duration, finish.error, now));
    GH_CO_TRY(result.state,
              co_await end_by(session, progress, std::move(step), std::move(finish), rules));
    GH_CO_TRY_VOID(co_await progress.close());
    result.stir = progress.stir();
    co_return result;
}

namespace {

Task<Result<Renewed>> put_renewal(Session& session, LeaseNamed named, milliseconds length,
                                  SystemTime now) {
    GH_CO_TRY(const auto attempt, co_await read_attempt(session, std::move(named)));
    if (attempt.state != AttemptState::running)
        co_return fail(ErrorKind::conflict, "plan.lease_lost");
    GH_CO_TRY(const auto step, co_await read_step(session, attempt.plan_id, attempt.step_id));
    if (step.deadline_at && now >= *step.deadline_at)
        co_return fail(ErrorKind::conflict, "plan.lease_lost");
    const auto expires = std::min(now + length, step.deadline_at.value_or(now + length));
    GH_CO_TRY_VOID(
        co_await session.execute(update_lease, step.plan_id, step.id, expires, attempt.lease));
    co_return Renewed{std::max(expires, step.lease_expires_at.value_or(expires))};
}

Task<Result<void>> put_renewals(Session& session, std::vector<Renewal> renewals) {
    std::vector<storage::Parameters> sets;
    sets.reserve(renewals.size());
    for (const auto& each : renewals)
        sets.push_back({storage::to_value(each.plan_id), storage::to_value(each.step_id),
                        storage::to_value(each.expires_at), storage::to_value(each.lease)});
    GH_CO_TRY_VOID(co_await session.execute_many(update_lease, std::move(sets)));
    co_return Result<void>{};
}

}  // namespace

Task<Result<Finished>> WorkRepository::finish(Finish finish, SystemTime now) {
    auto work = [finish = std::move(finish), rules = rules_, now](Session& session) {
        return put_finish(session, finish, rules, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Renewed>> WorkRepository::renew(LeaseNamed named, SystemTime now) {
    auto work = [named = std::move(named), length = rules_.lease, now](Session& session) {
        return put_renewal(session, named, length, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> WorkRepository::renew_all(std::vector<Renewal> renewals) {
    auto work = [renewals = std::move(renewals)](Session& session) {
        return put_renewals(session, renewals);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Expired>> WorkRepository::end_expired(SystemTime now) {
    // Nearly always nothing: no writer stands in line for that.
    GH_CO_TRY(const auto some, co_await database_.query(select_expired, now, std::int64_t{1}));
    if (some.empty()) co_return Expired{};
    auto work = [now](Session& session) { return put_expired(session, now); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Expired>> WorkRepository::end_of_agent(Session& session, std::string agent_id,
                                                   SystemTime now) {
    GH_CO_TRY(const auto rows, co_await session.query(select_of_agent, agent_id));
    GH_CO_TRY(auto ended, co_await end_all(session, steps_of(rows), "its agent was shut out",
                                           AttemptState::cancelled, now));
    // What it says later, or has said to a node that could not reach the database, does not count: not as of who was silent.
    // Behind the plans, whose lock comes first.
    GH_CO_TRY_VOID(co_await session.execute(cancel_silent, std::move(agent_id)));
    co_return ended;
}

}  // namespace gh::plan
