#include "balance/circuit_breaker.hpp"

#include <algorithm>
#include <mutex>

namespace gh::balance {
namespace {

constexpr std::uint32_t failures_max = 10'000;
constexpr std::uint64_t state_mask = 3;

BreakerState state_of(std::uint64_t epoch) { return static_cast<BreakerState>(epoch & state_mask); }

CircuitBreakerOptions within_bounds(CircuitBreakerOptions options) {
    options.failures = std::clamp(options.failures, 1U, failures_max);
    options.half_open_requests = std::max(options.half_open_requests, 1U);
    return options;
}

}  // namespace

std::string_view name_of(BreakerState state) {
    switch (state) {
        case BreakerState::closed: return "closed";
        case BreakerState::open: return "open";
        case BreakerState::half_open: return "half_open";
    }
    return "closed";
}

CircuitBreaker::CircuitBreaker(const CircuitBreakerOptions& options)
    : options_(within_bounds(options)), failed_at_(options_.failures) {}

std::optional<CircuitBreaker::Pass> CircuitBreaker::try_pass(SteadyTime now) {
    const auto epoch = epoch_.load(std::memory_order_acquire);
    switch (state_of(epoch)) {
        case BreakerState::closed: return Pass(this, epoch, false);
        case BreakerState::open:
            if (now.time_since_epoch().count() < open_until_.load(std::memory_order_relaxed)) {
                return std::nullopt;
            }
            break;
        case BreakerState::half_open: break;
    }
    return try_probe(now);
}

std::optional<CircuitBreaker::Pass> CircuitBreaker::try_probe(SteadyTime now) {
    const std::lock_guard guard(lock_);
    if (state() == BreakerState::open) {
        if (now.time_since_epoch().count() < open_until_.load(std::memory_order_relaxed)) {
            return std::nullopt;
        }
        change(BreakerState::half_open);
    }
    if (state() == BreakerState::half_open) {
        if (probes_out_ >= options_.half_open_requests) return std::nullopt;
        ++probes_out_;
        return Pass(this, epoch_.load(std::memory_order_relaxed), true);
    }
    return Pass(this, epoch_.load(std::memory_order_relaxed),
                false);  // another worker closed it meanwhile
}

BreakerState CircuitBreaker::state() const {
    return state_of(epoch_.load(std::memory_order_acquire));
}

bool CircuitBreaker::resting(SteadyTime now) const {
    return state() == BreakerState::open &&
           now.time_since_epoch().count() < open_until_.load(std::memory_order_relaxed);
}

seconds CircuitBreaker::retry_after(SteadyTime now) const {
    if (state() == BreakerState::closed) return seconds(0);
    const SteadyTime until(SteadyTime::duration(open_until_.load(std::memory_order_relaxed)));
    return std::max(seconds(1), std::chrono::ceil<seconds>(until - now));
}

void CircuitBreaker::change(BreakerState to) {
    failures_noted_ = failures_next_ = 0;
    probes_out_ = probes_succeeded_ = 0;
    const auto changes = (epoch_.load(std::memory_order_relaxed) | state_mask) + 1;
    epoch_.store(changes | static_cast<std::uint64_t>(to), std::memory_order_release);
}

void CircuitBreaker::open(SteadyTime now) {
    open_until_.store((now + options_.open_for).time_since_epoch().count(),
                      std::memory_order_relaxed);
    opened_total_.fetch_add(1, std::memory_order_relaxed);
    change(BreakerState::open);
}

bool CircuitBreaker::note_failure(SteadyTime now) {
    failed_at_[failures_next_] = now;
    failures_next_ = (failures_next_ + 1) % options_.failures;
    failures_noted_ = std::min(failures_noted_ + 1, options_.failures);
    // The ring is full: the next place holds the oldest of the last `failures`.
    return failures_noted_ == options_.failures &&
           now - failed_at_[failures_next_] < options_.window;
}

bool CircuitBreaker::settle_success(std::uint64_t epoch) {
    if (state_of(epoch) == BreakerState::closed) return false;  // nothing to learn, and no lock
    const std::lock_guard guard(lock_);
    if (epoch != epoch_.load(std::memory_order_relaxed)) return false;
    --probes_out_;
    if (++probes_succeeded_ < options_.half_open_requests) return false;
    change(BreakerState::closed);
    return true;
}

bool CircuitBreaker::settle_failure(std::uint64_t epoch, SteadyTime now) {
    const std::lock_guard guard(lock_);
    if (epoch != epoch_.load(std::memory_order_relaxed)) return false;
    if (state_of(epoch) == BreakerState::closed && !note_failure(now)) return false;
    open(now);
    return true;
}

void CircuitBreaker::settle_abandoned(std::uint64_t epoch) {
    if (state_of(epoch) == BreakerState::closed) return;
    const std::lock_guard guard(lock_);
    if (epoch == epoch_.load(std::memory_order_relaxed)) --probes_out_;
}

bool CircuitBreaker::Pass::succeeded() {
    auto* const breaker = std::exchange(breaker_, nullptr);
    return breaker != nullptr && breaker->settle_success(epoch_);
}

bool CircuitBreaker::Pass::failed(SteadyTime now) {
    auto* const breaker = std::exchange(breaker_, nullptr);
    return breaker != nullptr && breaker->settle_failure(epoch_, now);
}

void CircuitBreaker::Pass::abandoned() {
    if (auto* const breaker = std::exchange(breaker_, nullptr)) breaker->settle_abandoned(epoch_);
}

}  // namespace gh::balance
