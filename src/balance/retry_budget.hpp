#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "base/spin_lock.hpp"

namespace gh::balance {

struct RetryBudgetOptions {
    std::uint32_t percent = 20;          ///< of the requests of the last ten seconds
    std::uint32_t per_second_floor = 3;  ///< allowed however few requests there are
};

/// Keeps retries from drowning an upstream that is already in trouble. One per upstream, for all
/// workers. Counts in whole seconds of the clock: the last ten, the running one included.
class RetryBudget {
 public:
    static constexpr std::int64_t seconds_kept = 10;

    explicit RetryBudget(const RetryBudgetOptions& options) : options_(options) {}

    /// A first attempt goes out. Lock-free.
    void requested(SteadyTime now);
    /// A retry may go out, and is counted; false: give the client what there is.
    [[nodiscard]] bool try_retry(SteadyTime now);

 private:
    /// Which second, how many requests, how many retries: one word, so that a new second replaces
    /// an old whole.
    struct Cell {
        std::atomic<std::uint64_t> word = 0;
    };

    const RetryBudgetOptions options_;
    std::array<Cell, 16> cells_;
    SpinLock retry_lock_;
};

}  // namespace gh::balance
