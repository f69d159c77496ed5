#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "base/spin_lock.hpp"

namespace gh::balance {

struct EndpointHealthOptions {
    std::uint32_t unhealthy_after = 3;  ///< failed checks in a row
    std::uint32_t healthy_after = 2;    ///< passed checks in a row
    std::uint32_t eject_after = 3;      ///< connections refused in a row while serving; 0: never
    milliseconds eject_for{
        10'000};  ///< the first time; twice as long each time after, at most eject_for_max
    milliseconds eject_for_max{60'000};
};

/// What checks and traffic say about one endpoint. Healthy until proven otherwise. Safe from any
/// thread.
class EndpointHealth {
 public:
    explicit EndpointHealth(const EndpointHealthOptions& options);

    /// Active: one answer of the health check. @return true when this changed checked_healthy()
    bool check_passed();
    bool check_failed();

    /// Passive: one attempt to connect for a request. Ends an ejection early: `healthy_after`
    /// checks passed since.
    /// @return true when this ejected the endpoint
    bool connect_failed(SteadyTime now);
    void connect_succeeded();

    /// What the checks say.
    [[nodiscard]] bool checked_healthy() const {
        return checked_healthy_.load(std::memory_order_relaxed);
    }
    /// Refused connections lately, and is left alone for a while.
    [[nodiscard]] bool ejected(SteadyTime now) const {
        return now.time_since_epoch().count() < ejected_until_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool healthy(SteadyTime now) const { return checked_healthy() && !ejected(now); }

 private:
    const EndpointHealthOptions options_;
    std::atomic<bool> checked_healthy_ = true;
    std::atomic<SteadyTime::rep> ejected_until_;
    std::atomic<bool> troubled_ = false;  ///< a connection was refused since the last that was not
    SpinLock lock_;                       ///< guards what follows
    std::uint32_t connect_failures_ = 0;  ///< in a row
    std::uint32_t passed_in_a_row_ = 0;
    std::uint32_t failed_in_a_row_ = 0;
    std::uint32_t ejections_in_a_row_ = 0;
};

}  // namespace gh::balance
