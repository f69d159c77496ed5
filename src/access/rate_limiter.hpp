#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "access/client_network.hpp"
#include "access/event_log.hpp"
#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/keyed_hash.hpp"
#include "base/mapped_memory.hpp"

namespace gh::access {

/// "At most `requests` in any window of this length."
class Limit {
 public:
    static constexpr std::chrono::nanoseconds window_min = std::chrono::milliseconds(1);
    static constexpr std::chrono::nanoseconds window_max = std::chrono::hours(24 * 366);

    /// @param id        tells limits apart; the same id over a reload keeps what was counted. Limits with the same
    ///                  id, requests and window share one count per client.
    /// @param requests  0 is taken as 1
    /// @param window    brought into [window_min, window_max]
    Limit(std::uint64_t id, std::uint32_t requests, std::chrono::nanoseconds window);

    [[nodiscard]] std::uint64_t id() const { return id_; }
    [[nodiscard]] std::uint32_t requests() const { return requests_; }
    [[nodiscard]] std::chrono::nanoseconds window() const { return window_; }

 private:
    friend class RateLimiter;
    std::uint64_t id_;
    std::uint32_t requests_;
    std::chrono::nanoseconds window_;
    bool wide_;
    EventLogShape shape_;
};

/// One client under one limit. Made by RateLimiter::key, good for this limiter only.
struct LimitKey {
    Hash128 hash;
};

struct Charge {
    const Limit* limit;
    LimitKey key;
};

struct LimitDecision {
    bool allowed = false;          ///< by this limit; another may still have refused
    std::uint32_t limit = 0;
    std::uint32_t remaining = 0;   ///< requests that would be admitted now
    std::uint32_t reset_seconds = 0;        ///< until more than `remaining` is there; rounded up, at most the window
    std::uint32_t retry_after_seconds = 0;  ///< refused: at least 1, and a retry then finds room; otherwise 0
};

struct RateLimiterOptions {
    std::size_t memory_max = std::size_t{128} << 20;  ///< bytes; address space at start, resident only when touched
};

/// Sliding windows for all limits and all workers, in memory of fixed size.
///
/// Promise, for each client and limit, in terms of the times passed in: never more than `requests` admitted in any
/// half-open window [t, t + window); never refused while 99 % of `requests` or fewer were admitted in the window that
/// ends now, lengthened by 1/16384. Limits of up to 120 requests count exactly. Refused requests count nowhere.
///
/// A client is remembered until its last admitted request has left the window, never forgotten earlier. Where more
/// clients are alive than a bucket can tell apart, the newcomers of that bucket share one allowance: a flood of
/// addresses can make strangers wait for each other, it can not free a client that has reached its limit.
///
/// Safe from any thread. A check takes the spin locks of the buckets it touches, for some tens of nanoseconds.
class RateLimiter {
 public:
    static constexpr std::size_t charges_max = 8;

    explicit RateLimiter(RateLimiterOptions options = {});

    [[nodiscard]] LimitKey key(const Limit& limit, const ClientNetwork& client) const;
    /// By type, issuer and subject. The anonymous principal is one client for everybody: use the address instead.
    [[nodiscard]] LimitKey key(const Limit& limit, const Principal& principal) const;

    /// Judges all charges at once: admitted by all, or counted by none.
    ///
    /// @param charges    at most charges_max; more are refused as a whole
    /// @param now        may lag behind other workers' by a turn; the newest time seen for a client then counts
    /// @param decisions  as many as charges; each says what its limit thinks
    /// @return true when every limit admits
    [[nodiscard]] bool admit(std::span<const Charge> charges, SteadyTime now,
                             std::span<LimitDecision> decisions);

    /// How often a newcomer had to share an allowance since the start. More than a few: raise memory_max.
    [[nodiscard]] std::uint64_t shared_total() const;

 private:
    MappedMemory memory_;
    KeyedHash hash_ = KeyedHash::random();
};

}  // namespace gh::access
