#include <array>
#include <utility>

#include "base/try.hpp"
#include "plan/plan_repository.hpp"

// Plans that are over: how many there are, and how they go.

namespace gh::plan {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement count_plans{
    .name = "plans.count",
    .sql =
        "SELECT count(*), CAST(COALESCE(SUM(completed), 0) AS BIGINT), "
        "CAST(COALESCE(SUM(failed), 0) AS BIGINT), CAST(COALESCE(SUM(cancelled), 0) AS BIGINT), "
        "CAST(COALESCE(SUM(skipped), 0) AS BIGINT) FROM plans WHERE state = $1"};
constexpr Statement count_steps{.name = "plan_steps.count",
                                .sql = "SELECT count(*) FROM plan_steps WHERE state = $1"};
constexpr Statement select_over{
    .name = "plans.over",
    .sql =
        "SELECT id FROM plans WHERE ended_at IS NOT NULL AND ended_at < $1 "
        "ORDER BY ended_at LIMIT 1"};
constexpr Statement delete_events{
    .name = "plan_events.remove",
    .sql =
        "DELETE FROM plan_events WHERE plan_id = $1 AND sequence IN (SELECT sequence "
        "FROM plan_events WHERE plan_id = $1 ORDER BY sequence LIMIT $2)"};
constexpr Statement delete_dependencies{
    .name = "plan_dependencies.remove",
    .sql =
        "DELETE FROM plan_dependencies WHERE plan_id = $1 AND (depends_on, step_id) IN "
        "(SELECT depends_on, step_id FROM plan_dependencies WHERE plan_id = $1 "
        "ORDER BY depends_on, step_id LIMIT $2)"};
constexpr Statement delete_steps{
    .name = "plan_steps.remove",
    .sql =
        "DELETE FROM plan_steps WHERE plan_id = $1 AND position IN (SELECT position "
        "FROM plan_steps WHERE plan_id = $1 ORDER BY position LIMIT $2)"};
constexpr Statement delete_plan{.name = "plans.remove", .sql = "DELETE FROM plans WHERE id = $1"};

constexpr std::array pieces{&delete_events, &delete_dependencies, &delete_steps};

using OpenCounts = std::array<std::int64_t, step_states.size()>;

Task<Result<OpenCounts>> count_open_steps(Session& session) {
    OpenCounts counts{};
    for (const auto state : step_states) {
        if (is_end(state)) continue;
        GH_CO_TRY(const auto rows, co_await session.query(count_steps, name_of(state)));
        counts[static_cast<std::size_t>(state)] = rows[0].integer(0);
    }
    co_return counts;
}

/// Steps that have ended stand in the numbers of their plans.
Task<Result<Statistics>> count_all(Session& session) {
    Statistics counted;
    GH_CO_TRY(counted.steps, co_await count_open_steps(session));
    const auto steps = [&counted](StepState state) -> std::int64_t& {
        return counted.steps[static_cast<std::size_t>(state)];
    };
    for (const auto state : plan_states) {
        GH_CO_TRY(const auto rows, co_await session.query(count_plans, name_of(state)));
        const auto row = rows[0];
        counted.plans[static_cast<std::size_t>(state)] = row.integer(0);
        steps(StepState::completed) += row.integer(1);
        steps(StepState::failed) += row.integer(2);
        steps(StepState::cancelled) += row.integer(3);
        steps(StepState::skipped) += row.integer(4);
    }
    co_return counted;
}

Task<Result<std::uint64_t>> remove_piece(Session& session, SystemTime ended_before) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_over, ended_before));
    if (!row) co_return std::uint64_t{0};
    const auto id = (*row).text(0);
    for (const auto* statement : pieces) {
        GH_CO_TRY(const auto removed,
                  co_await session.execute(*statement, id, PlanRepository::removed_at_once));
        if (removed > 0) co_return removed;
    }
    co_return co_await session.execute(delete_plan, id);
}

}  // namespace

Task<Result<Statistics>> PlanRepository::count() {
    auto work = [](Session& session) { return count_all(session); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<OpenCounts>> PlanRepository::count_open() {
    auto work = [](Session& session) { return count_open_steps(session); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::uint64_t>> PlanRepository::remove_some(SystemTime ended_before) {
    // Nearly always nothing: no writer stands in line for that.
    GH_CO_TRY(const auto some, co_await database_.query(select_over, ended_before));
    if (some.empty()) co_return std::uint64_t{0};
    auto work = [ended_before](Session& session) { return remove_piece(session, ended_before); };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::plan
