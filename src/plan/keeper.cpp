#include "plan/keeper.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "plan/room.hpp"

namespace gh::plan {
namespace {

constexpr seconds measure_every{5};
constexpr std::chrono::minutes clear_every{1};
constexpr std::chrono::hours leases_kept{1};  // behind their end: who is late is answered as before

}  // namespace

Keeper::Keeper(Room& room, telemetry::Registry& registry)
    : room_(room),
      lost_(registry.counter({.name = "gatehouse_plan_leases_lost_total",
                              .help = "Leases that ended without a word, by why.",
                              .labels = {"reason"}})),
      steps_(registry.gauge(
          {.name = "gatehouse_plan_steps_open",
           .help = "Steps of plans that have not ended, by state, as the database has them.",
           .labels = {"state"}})) {
    for (const auto* reason : {"silent", "timeout"}) (void)lost_.with({reason});
}

bool Keeper::may_judge(SystemTime now, SteadyTime steady) {
    const auto before = std::exchange(before_, Seen{now, steady});
    const auto drift = before ? std::chrono::abs((now - before->now) - (steady - before->steady))
                              : std::chrono::nanoseconds(0);
    const auto lease = room_.config.lease;
    // The clock has stepped, a round took so long that agents were not heard, or what they have reported waits.
    const auto apart = std::max<std::chrono::nanoseconds>(apart_max, lease / 8);
    const bool unbroken =
        before && drift < lease / 4 && steady - before->steady < apart && !room_.desk.waits();
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
    measured_ = steady;
    GH_CO_TRY(const auto counted, co_await room_.plans.count_open());
    for (const auto state : step_states) {
        if (is_end(state)) continue;
        steps_.with({name_of(state)}).set(counted[static_cast<std::size_t>(state)]);
    }
    co_return Result<void>{};
}

/// A piece a round, as long as there is something.
Task<Result<void>> Keeper::clear_away(SystemTime now, SteadyTime steady) {
    if (cleared_ && steady < *cleared_ + clear_every) co_return Result<void>{};
    GH_CO_TRY(const auto removed, co_await room_.plans.remove_some(now - room_.config.keep));
    if (removed == 0) cleared_ = steady;
    co_return Result<void>{};
}

Task<Result<void>> Keeper::work(SystemTime now, SteadyTime steady) {
    GH_CO_TRY_VOID(co_await room_.desk.settle());
    if (may_judge(now, steady)) GH_CO_TRY_VOID(co_await end_leases(now));
    co_return Result<void>{};
}

Task<Result<void>> Keeper::round(SystemTime now, SteadyTime steady) {
    room_.leases.forget(steady - room_.config.lease - leases_kept);
    auto done = co_await work(now, steady);
    if (!done) {
        before_.reset();
        watching_.reset();
        co_return done;
    }
    // Neither stands before what agents wait for.
    auto measured = co_await measure(steady), cleared = co_await clear_away(now, steady);
    co_return measured ? cleared : measured;
}

Task<Result<void>> Keeper::run() {
    using Steady = std::chrono::steady_clock;
    const auto asked = Steady::now();
    const auto time = co_await time_of(room_.database);
    const auto answered = Steady::now();
    if (!time) {
        before_.reset();
        watching_.reset();
        co_return std::unexpected(time.error());
    }
    room_.clock.set(*time, asked, answered);
    co_return co_await round(room_.clock.now(answered), answered);
}

}  // namespace gh::plan
