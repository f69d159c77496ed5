#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.hpp"
#include "bus/bus.hpp"
#include "bus/message_rows.hpp"
#include "codec/uuid.hpp"
#include "net/loop.hpp"

// What the clerk does every second.

namespace gh::bus {
namespace {

constexpr std::size_t ended_max = 10'000;
// What another node has committed by then may bear a time that lies so far back.
constexpr seconds looks_back{5};
constexpr seconds clean_every{5};
constexpr seconds measure_every{5};
// Whoever got no answer sends again within that time: however full the house is, its ids are known.
constexpr std::chrono::minutes ids_known{10};
// Of one round: who waits is to be rung for, too.
constexpr milliseconds cleans_for{500};
constexpr std::size_t inboxes_asked = 200;  // of one round
constexpr std::chrono::minutes settles_for{10};

SteadyTime steady_now() { return net::Loop::current()->now(); }

}  // namespace

Task<Result<void>> Bus::ring_for_due(SystemTime now) {
    std::set<std::string> later;
    {
        const std::scoped_lock lock(mutex_);
        later.swap(to_ring_);
    }
    for (const auto& recipient : later) bell_.ring(recipient);
    // Who looked in vain sleeps, and what waited may have freed any line.
    if (fallback_.backlog().records == 0 && looked_in_vain_.exchange(false)) bell_.ring_all();
    const auto since = std::min(rung_until_.value_or(now), now) - looks_back;
    GH_CO_TRY(auto awake, co_await messages_.awake(since, now));
    rung_until_ = now;
    // Rather once too often than somebody not at all.
    if (awake.cut) bell_.ring_all();
    for (const auto& [recipient, at] : awake.inboxes) {
        const auto rung = rung_.find(recipient);
        if (rung == rung_.end() || rung->second != at) bell_.ring(recipient);
    }
    rung_ = std::move(awake.inboxes);
    co_return Result<void>{};
}

/// @return false: there is more
Task<Result<bool>> Bus::end_all_late(SystemTime now, SteadyTime until) {
    while (steady_now() < until) {
        GH_CO_TRY(const auto expired, co_await messages_.expire(now));
        counters_.expired(expired);
        if (expired == 0) co_return true;
    }
    co_return false;
}

Task<Result<bool>> Bus::forget_all(SystemTime now, SteadyTime until) {
    while (steady_now() < until) {
        GH_CO_TRY(const auto bytes, co_await messages_.bytes());
        auto done = std::chrono::duration_cast<seconds>(config_.history_kept);
        auto dead = std::chrono::duration_cast<seconds>(config_.dead_letters_kept);
        if (limits_.nearly_full(bytes)) {
            done = std::min<seconds>(done, ids_known);
            dead = std::min<seconds>(dead, ids_known);
        }
        GH_CO_TRY(const auto forgotten,
                  co_await messages_.purge({.done_since = now - done, .dead_since = now - dead}));
        if (forgotten == 0) co_return true;
    }
    co_return false;
}

Task<Result<bool>> Bus::forget_tasks(SystemTime now, SteadyTime until) {
    while (steady_now() < until) {
        GH_CO_TRY(const auto forgotten, co_await tasks_.purge(now - config_.tasks_kept));
        if (forgotten == 0) co_return true;
    }
    co_return false;
}

/// What a clock that has leapt forward ends cannot be brought back, and it may leap back.
bool Bus::is_settled(SystemTime now, SteadyTime steady) {
    const auto apart = std::chrono::duration_cast<milliseconds>(now.time_since_epoch() -
                                                                steady.time_since_epoch());
    if (clocks_ && apart - *clocks_ > clocks_apart) leapt_ = steady;
    clocks_ = apart;
    return !leapt_ || steady - *leapt_ >= settles_for;
}

Task<Result<bool>> Bus::clean(SystemTime now) {
    GH_CO_TRY(const bool ended, co_await end_all_late(now, steady_now() + cleans_for / 2));
    GH_CO_TRY(const bool forgotten, co_await forget_all(now, steady_now() + cleans_for));
    GH_CO_TRY(const bool over, co_await forget_tasks(now, steady_now() + cleans_for / 4));
    const bool all = ended && forgotten && over;
    co_return all;
}

void Bus::agent_ended(const std::string& agent_id) {
    const std::scoped_lock lock(mutex_);
    names_.erase(agent_id);
    if (ended_.size() < ended_max) ended_.insert(agent_id);
}

Task<Result<void>> Bus::end_if_retired(std::string recipient, SystemTime now) {
    GH_CO_TRY(const auto name, co_await name_of_agent_(recipient));
    if (name) co_return Result<void>{};
    for (std::uint64_t ended = 1; ended > 0;) {
        GH_CO_TRY(ended, co_await messages_.expire_inbox(recipient, now));
        counters_.expired(ended);
    }
    co_return Result<void>{};
}

Task<Result<void>> Bus::end_what_waits_for_retired(SystemTime now) {
    std::set<std::string> ended;
    {
        const std::scoped_lock lock(mutex_);
        ended.swap(ended_);
    }
    for (const auto& agent : ended) GH_CO_TRY_VOID(co_await end_if_retired(agent, now));
    co_return Result<void>{};
}

/// Others may have retired elsewhere: some inboxes each time.
Task<Result<void>> Bus::look_for_retired(SystemTime now) {
    GH_CO_TRY(const auto some, co_await messages_.used_inboxes(looked_through_, inboxes_asked));
    for (const auto& recipient : some)
        if (codec::is_uuid(recipient)) GH_CO_TRY_VOID(co_await end_if_retired(recipient, now));
    looked_through_ = some.size() < inboxes_asked ? std::string() : some.back();
    co_return Result<void>{};
}

Task<Result<void>> Bus::keep(SystemTime now, SteadyTime steady) {
    GH_CO_TRY_VOID(co_await ring_for_due(now));
    GH_CO_TRY_VOID(co_await end_what_waits_for_retired(now));
    const bool settled = is_settled(now, steady);
    if (settled && (!cleaned_ || steady - *cleaned_ >= clean_every)) {
        GH_CO_TRY_VOID(co_await look_for_retired(now));
        GH_CO_TRY(const bool all, co_await clean(now));
        if (all) cleaned_ = steady;  // else it goes on with the next round
    }
    if (!measured_ || steady - *measured_ >= measure_every) {
        GH_CO_TRY(auto depths,
                  co_await messages_.depths(Counters::agents_max, Counters::others_max));
        counters_.set_depths(std::move(depths));
        measured_ = steady;
    }
    co_return Result<void>{};
}

}  // namespace gh::bus
