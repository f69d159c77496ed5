#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace gh::http {

/// What a peer may ask for without bringing work: a bucket that time and work refill.
class H2Budget {
 public:
    H2Budget(std::uint32_t units_max, std::uint32_t units_per_second, SteadyTime now)
        : units_(units_max), units_max_(units_max), per_second_(units_per_second), filled_(now) {}

    void refill(SteadyTime now) {
        if (now <= filled_ || per_second_ == 0) return;
        const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - filled_);
        // An hour fills any bucket, and keeps the product small.
        const auto ms = std::min<std::int64_t>(elapsed.count(), 3'600'000);
        const auto units = static_cast<std::uint64_t>(ms) * per_second_ / 1000;
        if (units == 0) return;  // the clock stays, so that small steps add up
        earn(units);
        filled_ = now;
    }
    void earn(std::uint64_t units) { units_ = std::min<std::uint64_t>(units_ + units, units_max_); }

    /// @return false when the budget does not cover it
    [[nodiscard]] bool spend(std::uint32_t units) {
        if (units > units_) {
            units_ = 0;
            return false;
        }
        units_ -= units;
        return true;
    }

 private:
    std::uint64_t units_;
    std::uint64_t units_max_;
    std::uint64_t per_second_;
    SteadyTime filled_;
};

}  // namespace gh::http
