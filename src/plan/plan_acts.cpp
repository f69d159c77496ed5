#include <utility>

#include "base/try.hpp"
#include "plan/plan_repository.hpp"
#include "plan/plan_rows.hpp"
#include "storage/joined.hpp"

// What people do to plans: pause, resume, cancel, approve, reject.

namespace gh::plan {
namespace {

using storage::joined;
using storage::Session;
using storage::Statement;

constexpr std::string_view all_pending =
    "s.plan_id = $1 AND s.state = 'pending' AND s.open_dependencies >= 0 ORDER BY s.position";
constexpr Statement select_pending{.name = "plan_steps.pending",
                                   .sql = joined<step_words, from_steps, all_pending>};
constexpr Statement hold_ready{
    .name = "plan_steps.hold",
    .sql = "UPDATE plan_steps SET state = 'pending' WHERE plan_id = $1 AND state = 'ready'"};
constexpr Statement approve_step{
    .name = "plan_steps.approve",
    .sql = "UPDATE plan_steps SET approved_by = $3 WHERE plan_id = $1 AND id = $2"};
constexpr Statement end_attempt{
    .name = "plan_attempts.take_away",
    .sql =
        "UPDATE plan_attempts SET state = 'cancelled', ended_at = $2 WHERE lease = $1 "
        "AND state = 'running'"};

Acted acted(const Progress& progress) { return {progress.plan(), progress.stir()}; }

Task<Result<Acted>> cancel_plan(Session& session, std::string id, std::string who, SystemTime now) {
    GH_CO_TRY(auto progress, co_await Progress::open(session, std::move(id), now));
    if (!may_move(progress.plan().state, PlanState::cancelled))
        co_return fail(ErrorKind::conflict, "plan.illegal_move");
    GH_CO_TRY_VOID(co_await progress.cancel_all(who));
    GH_CO_TRY_VOID(co_await progress.close());
    co_return acted(progress);
}

/// What is held back becomes ready again when the plan goes on, in the order of the plan.
Task<Result<Acted>> pause_plan(Session& session, std::string id, std::string who, SystemTime now) {
    GH_CO_TRY(auto progress, co_await Progress::open(session, std::move(id), now));
    GH_CO_TRY_VOID(progress.move(PlanState::paused, who));
    GH_CO_TRY_VOID(co_await session.execute(hold_ready, progress.plan().id));
    GH_CO_TRY_VOID(co_await progress.close());
    co_return acted(progress);
}

Task<Result<Acted>> resume_plan(Session& session, std::string id, std::string who, SystemTime now) {
    GH_CO_TRY(auto progress, co_await Progress::open(session, std::move(id), now));
    const auto& plan = progress.plan();
    if (plan.state != PlanState::paused) co_return fail(ErrorKind::conflict, "plan.illegal_move");
    GH_CO_TRY_VOID(progress.move(plan.started_at ? PlanState::running : PlanState::pending, who));
    GH_CO_TRY(const auto rows, co_await session.query(select_pending, plan.id));
    for (auto& step : steps_of(rows)) {
        if (turn_of(step.join, step.open, step.done, false) != Turn::begin) continue;
        // What was looked at before may have been skipped by what began meanwhile: read anew.
        GH_CO_TRY(auto fresh, co_await read_step(session, plan.id, step.id));
        if (fresh.state == StepState::pending)
            GH_CO_TRY_VOID(co_await progress.begin(std::move(fresh)));
    }
    GH_CO_TRY_VOID(co_await progress.close());
    co_return acted(progress);
}

Task<Result<Acted>> cancel_one(Session& session, std::string plan_id, std::string step_id,
                               std::string who, SystemTime now) {
    GH_CO_TRY(auto progress, co_await Progress::open(session, plan_id, now));
    GH_CO_TRY(auto step, co_await read_step(session, std::move(plan_id), std::move(step_id)));
    if (step.state == StepState::running)
        GH_CO_TRY_VOID(co_await session.execute(end_attempt, step.lease, now));
    step.error = "cancelled by " + who;
    GH_CO_TRY_VOID(co_await progress.end(std::move(step), StepState::cancelled));
    GH_CO_TRY_VOID(co_await progress.close());
    co_return acted(progress);
}

Task<Result<Acted>> decide_one(Session& session, std::string plan_id, std::string step_id,
                               bool approved, std::string who, std::string why, SystemTime now) {
    GH_CO_TRY(auto progress, co_await Progress::open(session, plan_id, now));
    GH_CO_TRY(auto step, co_await read_step(session, std::move(plan_id), std::move(step_id)));
    if (step.state != StepState::waiting)
        co_return fail(ErrorKind::conflict, "plan.illegal_move", step.id + " waits for nobody");
    if (approved) {
        GH_CO_TRY_VOID(co_await session.execute(approve_step, step.plan_id, step.id, who));
        GH_CO_TRY_VOID(co_await progress.release(std::move(step), now, "approved by " + who));
    } else {
        step.error = "rejected by " + who + (why.empty() ? "" : ": " + why);
        GH_CO_TRY_VOID(co_await progress.end(std::move(step), StepState::failed));
    }
    GH_CO_TRY_VOID(co_await progress.close());
    co_return acted(progress);
}

}  // namespace

Task<Result<Acted>> PlanRepository::cancel(std::string id, std::string who, SystemTime now,
                                           storage::Also<Acted> also) {
    auto work = [id = std::move(id), who = std::move(who), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, cancel_plan(session, id, who, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Acted>> PlanRepository::pause(std::string id, std::string who, SystemTime now,
                                          storage::Also<Acted> also) {
    auto work = [id = std::move(id), who = std::move(who), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, pause_plan(session, id, who, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Acted>> PlanRepository::resume(std::string id, std::string who, SystemTime now,
                                           storage::Also<Acted> also) {
    auto work = [id = std::move(id), who = std::move(who), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, resume_plan(session, id, who, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Acted>> PlanRepository::cancel_step(std::string plan_id, std::string step_id,
                                                std::string who, SystemTime now,
                                                storage::Also<Acted> also) {
    auto work = [plan_id = std::move(plan_id), step_id = std::move(step_id), who = std::move(who),
                 now, also = std::move(also)](Session& session) {
        return storage::with_also(session, cancel_one(session, plan_id, step_id, who, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Acted>> PlanRepository::decide(std::string plan_id, std::string step_id, bool approved,
                                           std::string who, std::string why, SystemTime now,
                                           storage::Also<Acted> also) {
    auto work = [plan_id = std::move(plan_id), step_id = std::move(step_id), approved,
                 who = std::move(who), why = std::move(why), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(
            session, decide_one(session, plan_id, step_id, approved, who, why, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::plan
