#include "plan/plan_repository.hpp"

#include <utility>

#include "base/try.hpp"
#include "plan/plan_rows.hpp"
#include "storage/joined.hpp"

namespace gh::plan {
namespace {

using storage::joined;
using storage::Session;
using storage::Statement;
using storage::to_value;

constexpr Statement insert_plan{
    .name = "plans.create",
    .sql =
        "INSERT INTO plans (id, name, metadata, state, steps, fingerprint, trace, created_by, "
        "created_at, updated_at) VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $8)"};
constexpr Statement insert_step{
    .name = "plan_steps.create",
    .sql =
        "INSERT INTO plan_steps (plan_id, id, position, type, name, metadata, needs, join_rule, "
        "approval, condition, max_attempts, timeout_us, state, open_dependencies, available_at, "
        "parent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending', $13, $14, "
        "$15)"};
constexpr Statement insert_dependency{
    .name = "plan_dependencies.create",
    .sql = "INSERT INTO plan_dependencies (plan_id, step_id, depends_on) VALUES ($1, $2, $3)"};
constexpr std::string_view without_open =
    "s.plan_id = $1 AND s.state = 'pending' AND s.open_dependencies = 0 ORDER BY s.position";
constexpr Statement select_roots{.name = "plan_steps.roots",
                                 .sql = joined<step_words, from_steps, without_open>};
constexpr std::string_view behind =
    "s.plan_id = $1 AND s.position > $2 ORDER BY s.position LIMIT $3";
constexpr Statement select_steps{.name = "plan_steps.list",
                                 .sql = joined<step_words, from_steps, behind>};
constexpr Statement select_dependencies{
    .name = "plan_dependencies.list",
    .sql =
        "SELECT depends_on FROM plan_dependencies WHERE plan_id = $1 AND step_id = $2 "
        "ORDER BY depends_on"};
constexpr std::string_view of_step = "plan_id = $1 AND step_id = $2 ORDER BY number";
constexpr Statement select_attempts{.name = "plan_attempts.list",
                                    .sql = joined<attempt_columns, of_step>};
constexpr Statement select_events{
    .name = "plan_events.list",
    .sql =
        "SELECT sequence, at, type, step_id, agent_id, attempt, detail FROM plan_events "
        "WHERE plan_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"};
constexpr std::string_view of_state = "state = $5 AND ";
constexpr std::string_view of_any = "";
constexpr std::string_view oldest =
    "(created_at, id) > ($1, $2) ORDER BY created_at, id LIMIT $3 OFFSET $4";
constexpr std::string_view newest =
    "(created_at, id) < ($1, $2) ORDER BY created_at DESC, id DESC LIMIT $3 OFFSET $4";
template <const std::string_view& which, const std::string_view& order>
constexpr Statement page_of{.name = "plans.list", .sql = joined<plan_columns, which, order>};

const Statement& statement_of(const PlanPage& page) {
    if (page.state)
        return page.oldest_first ? page_of<of_state, oldest> : page_of<of_state, newest>;
    return page.oldest_first ? page_of<of_any, oldest> : page_of<of_any, newest>;
}

Plan begun_plan(const NewPlan& wanted, SystemTime now) {
    Plan plan;
    plan.id = wanted.id;
    plan.name = wanted.name;
    plan.metadata = wanted.metadata;
    plan.tally.steps = static_cast<std::int64_t>(wanted.steps.size());
    plan.fingerprint = wanted.fingerprint;
    plan.trace = wanted.trace;
    plan.created_by = wanted.created_by;
    plan.created_at = plan.updated_at = now;
    return plan;
}

Task<Result<Created>> put_plan(Session& session, NewPlan wanted, SystemTime now) {
    auto there = co_await read_plan(session, wanted.id);
    if (there) {
        if (there->fingerprint != wanted.fingerprint || there->created_by != wanted.created_by)
            co_return fail(ErrorKind::conflict, "plan.exists");
        co_return Created{.plan = *std::move(there), .is_new = false, .stir = {}};
    }
    if (there.error().kind != ErrorKind::not_found) co_return std::unexpected(there.error());
    auto plan = begun_plan(wanted, now);
    GH_CO_TRY_VOID(co_await session.execute(insert_plan, plan.id, plan.name, plan.metadata,
                                            plan.tally.steps, plan.fingerprint, plan.trace,
                                            plan.created_by, now));
    StepRows rows{
        .plan_id = plan.id, .steps = std::move(wanted.steps), .position = 0, .parent = {}};
    GH_CO_TRY_VOID(co_await put_steps(session, std::move(rows), now));
    Progress progress(session, std::move(plan), now);
    progress.tell({.at = now,
                   .type = "plan.pending",
                   .step_id = {},
                   .agent_id = {},
                   .detail = progress.plan().created_by});
    GH_CO_TRY(const auto roots, co_await session.query(select_roots, progress.plan().id));
    for (auto& step : steps_of(roots)) GH_CO_TRY_VOID(co_await progress.begin(std::move(step)));
    GH_CO_TRY_VOID(co_await progress.close());
    co_return Created{.plan = progress.plan(), .is_new = true, .stir = progress.stir()};
}

}  // namespace

Task<Result<void>> put_steps(Session& session, StepRows rows, SystemTime now) {
    std::vector<storage::Parameters> steps, edges;
    steps.reserve(rows.steps.size());
    for (const auto& step : rows.steps) {
        steps.push_back({to_value(rows.plan_id), to_value(step.id), to_value(++rows.position),
                         to_value(step.type), to_value(step.name), to_value(step.metadata),
                         to_value(needs_of(step.capabilities)),
                         to_value(step.join == Join::any ? "any" : "all"),
                         to_value(std::int64_t{step.approval ? 1 : 0}), to_value(step.condition),
                         to_value(step.max_attempts), to_value(microseconds_in(step.timeout)),
                         to_value(step.depends_on.size()), to_value(now), to_value(rows.parent)});
        for (const auto& on : step.depends_on)
            edges.push_back({to_value(rows.plan_id), to_value(step.id), to_value(on)});
    }
    GH_CO_TRY_VOID(co_await session.execute_many(insert_step, std::move(steps)));
    if (edges.empty()) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await session.execute_many(insert_dependency, std::move(edges)));
    co_return Result<void>{};
}

Task<Result<Created>> PlanRepository::add(NewPlan plan, SystemTime now,
                                          storage::Also<Created> also) {
    auto work = [plan = std::move(plan), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put_plan(session, plan, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Plan>> PlanRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read_plan(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Plan>>> PlanRepository::list(PlanPage page) {
    const auto edge = page.oldest_first ? SystemTime::min() : SystemTime::max();
    const auto [time, id] = page.after.value_or(std::pair(edge, std::string()));
    storage::Parameters parameters{to_value(time), to_value(id), to_value(page.limit),
                                   to_value(page.offset)};
    if (page.state) parameters.push_back(to_value(name_of(*page.state)));
    GH_CO_TRY(const auto rows,
              co_await database_.run_one(statement_of(page), std::move(parameters)));
    std::vector<Plan> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(plan_of(rows[i]));
    co_return found;
}

Task<Result<Step>> PlanRepository::find_step(std::string plan_id, std::string step_id) {
    auto work = [plan_id = std::move(plan_id), step_id = std::move(step_id)](Session& session) {
        return read_step(session, plan_id, step_id);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Step>>> PlanRepository::steps(std::string plan_id, std::int64_t after,
                                                      std::size_t limit) {
    GH_CO_TRY(const auto rows,
              co_await database_.query(select_steps, std::move(plan_id), after, limit));
    co_return steps_of(rows);
}

Task<Result<std::vector<std::string>>> PlanRepository::dependencies(std::string plan_id,
                                                                    std::string step_id) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_dependencies, std::move(plan_id),
                                                        std::move(step_id)));
    std::vector<std::string> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows[i].text(0));
    co_return found;
}

Task<Result<std::vector<Attempt>>> PlanRepository::attempts(std::string plan_id,
                                                            std::string step_id) {
    GH_CO_TRY(const auto rows,
              co_await database_.query(select_attempts, std::move(plan_id), std::move(step_id)));
    std::vector<Attempt> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(attempt_of(rows[i]));
    co_return found;
}

Task<Result<std::vector<Event>>> PlanRepository::events(std::string plan_id, std::int64_t after,
                                                        std::size_t limit) {
    GH_CO_TRY(const auto rows,
              co_await database_.query(select_events, std::move(plan_id), after, limit));
    std::vector<Event> found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto row = rows[i];
        found.push_back({.sequence = row.integer(0),
                         .at = row.time(1),
                         .type = row.text(2),
                         .step_id = row.text(3),
                         .agent_id = row.text(4),
                         .detail = row.text(6),
                         .attempt = row.integer(5)});
    }
    co_return found;
}

}  // namespace gh::plan
