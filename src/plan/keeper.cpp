#include "plan/keeper.hpp"

#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "plan/room.hpp"

namespace gh::plan {
namespace {

constexpr seconds measure_every{5};
constexpr std::chrono::hours leases_kept{1};  // behind their end: who is late is answered as before

}  // namespace

Keeper::Keeper(Room& room, telemetry::Registry& registry)
    : room_(room),
      lost_(registry.counter({.name = "gatehouse_plan_leases_lost_total",
                              .help = "Leases that ended without a word, by why.",
                              .labels = {"reason"}})),
      steps_(registry.gauge({.name = "gatehouse_plan_steps",
                             .help = "Steps of plans by state, as the database has them.",
                             .labels = {"state"}})) {
    for (const auto* reason : {"silent", "timeout"}) (void)lost_.with({reason});
}

bool Keeper::may_judge(SystemTime now, SteadyTime steady) {
    const auto before = std::exchange(before_, Seen{now, steady});
    const auto drift = before ? std::chrono::abs((now - before->now) - (steady - before->steady))
                              : std::chrono::nanoseconds(0);
    const auto lease = room_.config.lease;
    // The clock has stepped, a round took so long that agents were not heard, or what they have reported waits.
    const bool unbroken =
        before && drift < lease / 4 && steady - before->steady < lease && !room_.desk.waits();
    if (!unbroken || !watching_) watching_ = steady;
    return steady - *watching_ >= lease;
}

Task<Result<void>> Keeper::end_leases(SystemTime now) {
    GH_CO_TRY(const auto expired, co_await room_.work.end_expired(now));
    if (expired.lost > 0) lost_.with({"silent"}).add(expired.lost);
    if (expired.timed_out > 0) lost_.with({"timeout"}).add(expired.timed_out);
    if (expired.lost + expired.timed_out > 0) {
        room_.log.warning("plans", "leases of steps ended without a word from their agents")
            .field("silent", expired.lost)
            .field("timeout", expired.timed_out)
            .field("failed", expired.failed);
    }
    room_.heed(expired.stirs);
    co_return Result<void>{};
}

Task<Result<void>> Keeper::measure(SteadyTime steady) {
    if (measured_ && steady < *measured_ + measure_every) co_return Result<void>{};
    GH_CO_TRY(const auto counted, co_await room_.plans.count());
    for (const auto state : step_states)
        steps_.with({name_of(state)}).set(counted.steps[static_cast<std::size_t>(state)]);
    measured_ = steady;
    co_return Result<void>{};
}

Task<Result<void>> Keeper::run(SystemTime now, SteadyTime steady) {
    room_.leases.forget(now - leases_kept);
    const bool judges = may_judge(now, steady);
    auto done = co_await measure(steady);
    if (done && judges) done = co_await end_leases(now);
    if (!done) {
        before_.reset();
        watching_.reset();
    }
    co_return done;
}

}  // namespace gh::plan
