#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/spin_lock.hpp"

namespace gh::balance {

struct CircuitBreakerOptions {
    std::uint32_t failures = 5;  ///< within `window`: opens; 1 to 10,000
    milliseconds window{10'000};
    milliseconds open_for{30'000};
    std::uint32_t half_open_requests =
        1;  ///< probes at a time, and successes that close it again; at least 1
};

enum class BreakerState : std::uint8_t { closed, open, half_open };

/// "closed", "open", "half_open": for log and metrics.
[[nodiscard]] std::string_view name_of(BreakerState state);

/// Stops asking an upstream that fails, then asks a few times whether it is well again. One for all
/// workers.
///
///     closed --`failures` within `window`--> open --`open_for` has passed--> half_open
///     half_open --`half_open_requests` successes--> closed          half_open --any failure-->
///     open
///
/// `failures` counts failures, whatever succeeds in between. What began before the state last
/// changed is not counted: a slow answer to an old request neither closes nor opens. Closed costs
/// one atomic load a request. Safe from any thread; outlives its passes.
class CircuitBreaker {
 public:
    /// Leave to ask once. To be settled with succeeded() or failed(); destroyed unsettled it says
    /// nothing about the upstream (the client went away, say), and a probe's place is free again.
    class Pass {
     public:
        Pass() = default;
        Pass(Pass&& other) noexcept
            : breaker_(std::exchange(other.breaker_, nullptr)),
              epoch_(other.epoch_),
              probe_(other.probe_) {}
        Pass& operator=(Pass&& other) noexcept {
            std::swap(breaker_, other.breaker_);
            std::swap(epoch_, other.epoch_);
            std::swap(probe_, other.probe_);
            return *this;
        }
        ~Pass() {
            if (breaker_ != nullptr) abandoned();
        }

        // Each settles the pass; a second call says nothing.
        /// @return true when this closed the circuit
        bool succeeded();
        /// @return true when this opened the circuit
        bool failed(SteadyTime now);
        void abandoned();
        [[nodiscard]] bool probe() const { return probe_; }

     private:
        friend class CircuitBreaker;
        Pass(CircuitBreaker* breaker, std::uint64_t epoch, bool probe)
            : breaker_(breaker), epoch_(epoch), probe_(probe) {}
        CircuitBreaker* breaker_ = nullptr;
        std::uint64_t epoch_ = 0;
        bool probe_ = false;
    };

    explicit CircuitBreaker(const CircuitBreakerOptions& options);

    /// Nothing: do not ask; answer 503 with retry_after().
    [[nodiscard]] std::optional<Pass> try_pass(SteadyTime now);

    [[nodiscard]] BreakerState state() const;
    /// Open, and `open_for` has not passed. Without requests the state stays open beyond that, so that whoever sends us
    /// none because we are not ready would never learn that we are.
    [[nodiscard]] bool resting(SteadyTime now) const;
    /// Until the next probe may pass; at least 1 s unless closed. For Retry-After.
    [[nodiscard]] seconds retry_after(SteadyTime now) const;
    [[nodiscard]] std::uint64_t opened_total() const {
        return opened_total_.load(std::memory_order_relaxed);
    }

 private:
    [[nodiscard]] std::optional<Pass> try_probe(SteadyTime now);
    [[nodiscard]] bool note_failure(SteadyTime now);
    void open(SteadyTime now);
    void change(BreakerState to);
    bool settle_success(std::uint64_t epoch);
    bool settle_failure(std::uint64_t epoch, SteadyTime now);
    void settle_abandoned(std::uint64_t epoch);

    const CircuitBreakerOptions options_;
    std::atomic<std::uint64_t> epoch_ =
        0;  ///< state in the two low bits, changes counted above them
    std::atomic<std::uint64_t> opened_total_ = 0;
    std::atomic<SteadyTime::rep> open_until_ = 0;
    SpinLock lock_;                      ///< guards what follows, and every change of epoch_
    std::vector<SteadyTime> failed_at_;  ///< ring of the last `failures` times
    std::uint32_t failures_noted_ = 0;
    std::uint32_t failures_next_ = 0;
    std::uint32_t probes_out_ = 0;
    std::uint32_t probes_succeeded_ = 0;
};

}  // namespace gh::balance
