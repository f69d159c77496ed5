#include "balance/endpoint_health.hpp"

#include <algorithm>
#include <limits>
#include <mutex>

namespace gh::balance {
namespace {

constexpr auto never = std::numeric_limits<SteadyTime::rep>::min();
constexpr std::uint32_t doublings_max = 16;

}  // namespace

EndpointHealth::EndpointHealth(const EndpointHealthOptions& options)
    : options_(options), ejected_until_(never) {}

bool EndpointHealth::check_passed() {
    const std::lock_guard guard(lock_);
    failed_in_a_row_ = 0;
    passed_in_a_row_ = std::min(passed_in_a_row_ + 1, options_.healthy_after);
    if (passed_in_a_row_ < options_.healthy_after) return false;
    // A check that passes again and again outweighs a few refused connections of the past.
    ejected_until_.store(never, std::memory_order_relaxed);
    return !checked_healthy_.exchange(true, std::memory_order_relaxed);
}

bool EndpointHealth::check_failed() {
    const std::lock_guard guard(lock_);
    passed_in_a_row_ = 0;
    failed_in_a_row_ = std::min(failed_in_a_row_ + 1, options_.unhealthy_after);
    if (failed_in_a_row_ < options_.unhealthy_after) return false;
    return checked_healthy_.exchange(false, std::memory_order_relaxed);
}

bool EndpointHealth::connect_failed(SteadyTime now) {
    if (options_.eject_after == 0) return false;
    const std::lock_guard guard(lock_);
    // Those that were already dialling when it was ejected tell nothing new.
    if (ejected(now)) return false;
    passed_in_a_row_ = 0;  // checks must pass anew after this to shorten an ejection
    troubled_.store(true, std::memory_order_relaxed);
    if (++connect_failures_ < options_.eject_after) return false;
    // Stays one below the threshold, so that a single failure after the pause ejects again, for
    // longer.
    connect_failures_ = options_.eject_after - 1;
    const auto pause = std::min<SteadyTime::duration>(
        options_.eject_for * (std::int64_t{1} << ejections_in_a_row_), options_.eject_for_max);
    ejections_in_a_row_ = std::min(ejections_in_a_row_ + 1, doublings_max);
    ejected_until_.store((now + pause).time_since_epoch().count(), std::memory_order_relaxed);
    return true;
}

void EndpointHealth::connect_succeeded() {
    if (!troubled_.load(std::memory_order_relaxed)) return;  // the usual case: one load
    const std::lock_guard guard(lock_);
    troubled_.store(false, std::memory_order_relaxed);
    connect_failures_ = 0;
    ejections_in_a_row_ = 0;
}

}  // namespace gh::balance
