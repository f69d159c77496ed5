#include "plan/room.hpp"

#include <algorithm>
#include <utility>

#include "plan/plan_rows.hpp"

namespace gh::plan {
namespace {

WorkRules rules_of(const PlansConfig& config) {
    return {.lease = config.lease,
            .retry_first = config.retry_first,
            .retry_most = config.retry_most,
            .steps_max = config.steps_max};
}

}  // namespace

bool Board::begin_look(SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    missed_ = missed_ || looking_;
    if (looking_ || (!stale_ && now < looked_ + look_every)) return false;
    looking_ = true;
    stale_ = false;
    missed_ = false;
    return true;
}

bool Board::end_look(Result<std::vector<std::string>> found, SteadyTime now) {
    const std::scoped_lock lock(mutex_);
    looking_ = false;
    looked_ = now;
    kinds_ = std::move(found).value_or(std::vector<std::string>());
    return std::exchange(missed_, false) && !kinds_.empty();
}

void Board::stale() {
    const std::scoped_lock lock(mutex_);
    stale_ = true;
}

bool Board::has_work(const std::vector<std::string>& capabilities) const {
    const std::scoped_lock lock(mutex_);
    return kinds_.size() >= WorkRepository::kinds_max || is_wanted(kinds_, capabilities);
}

bool is_wanted(const std::vector<std::string>& kinds,
               const std::vector<std::string>& capabilities) {
    return std::ranges::any_of(kinds, [&capabilities](const std::string& needs) {
        const auto words = words_of(needs);
        return std::ranges::includes(capabilities, words);
    });
}

Room::Room(storage::Database& on, storage::Fallback& fallback, access::AgentDirectory& agents,
           PlansConfig wanted, telemetry::Registry& registry, telemetry::Log& told, Admit admits)
    : database(on),
      directory(agents),
      config(wanted),
      admit(std::move(admits)),
      plans(on),
      work(on, rules_of(wanted)),
      desk(work, fallback, leases),
      log(told),
      steps_ended(registry.counter({.name = "gatehouse_plan_steps_total",
                                    .help = "Steps of plans that this node saw end, by how.",
                                    .labels = {"outcome"}})),
      plans_ended(registry.counter({.name = "gatehouse_plans_total",
                                    .help = "Plans that this node saw end, by how.",
                                    .labels = {"outcome"}})),
      step_duration(registry.histogram({.name = "gatehouse_plan_step_duration_seconds",
                                        .help = "Time that agents worked on steps, by outcome.",
                                        .labels = {"outcome"}})),
      keeper(*this, registry) {
    for (const auto state :
         {StepState::completed, StepState::failed, StepState::cancelled, StepState::skipped})
        (void)steps_ended.with({name_of(state)});
    for (const auto state : {PlanState::completed, PlanState::failed, PlanState::cancelled})
        (void)plans_ended.with({name_of(state)});
}

void Room::heed(const Stir& stir) {
    if (stir.plan_id.empty()) return;
    for (const auto& lease : stir.leases) leases.remove(lease);
    const auto count = [this](StepState state, std::int64_t steps) {
        if (steps > 0) steps_ended.with({name_of(state)}).add(static_cast<std::uint64_t>(steps));
    };
    count(StepState::completed, stir.ended.completed);
    count(StepState::failed, stir.ended.failed);
    count(StepState::cancelled, stir.ended.cancelled);
    count(StepState::skipped, stir.ended.skipped);
    if (stir.plan_ended) plans_ended.with({name_of(*stir.plan_ended)}).add();
    bell.ring(bell_of(stir.plan_id));
    if (stir.ready == 0) return;
    board.stale();
    bell.ring(ready_bell);
}

}  // namespace gh::plan
