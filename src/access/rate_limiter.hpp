#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "access/client_network.hpp"
#include "access/event_log.hpp"
#include "access/principal.hpp"
#include "base/clock.hpp"
#include "base/keyed_hash.hpp"
#include "base/mapped_memory.hpp"

namespace gh::access {

struct LimitStripe;

/// "At most `requests` in any window of this length."
class Limit {
 public:
    static constexpr std::chrono::nanoseconds window_min = std::chrono::milliseconds(1);
    static constexpr std::chrono::nanoseconds window_max = std::chrono::hours(24 * 366);

    /// @param id        tells limits apart, by route and subject of counting, say. Limits that
    /// agree in id, requests and
    ///                  window share their counts; so a limit that a reload leaves alone keeps what
    ///                  it counted.
    /// @param requests  0 is taken as 1
    /// @param window    brought into [window_min, window_max]
    Limit(std::uint64_t id, std::uint32_t requests, std::chrono::nanoseconds window);

    [[nodiscard]] std::uint32_t requests() const { return shape_.requests; }
    [[nodiscard]] std::chrono::nanoseconds window() const {
        return std::chrono::nanoseconds(shape_.window_ns);
    }

 private:
    friend class RateLimiter;
    EventLogShape shape_;
    std::uint64_t tag_;  ///< of id, requests and window; never 0
};

/// Whom a limit counts. Made by RateLimiter::client, good for that limiter only; the same for all
/// limits, so that a connection can keep the one of its address.
struct RateClient {
    Hash128 hash;
};

struct Charge {
    const Limit* limit;
    RateClient client;
};

struct LimitDecision {
    bool allowed = false;         ///< by this limit; another may still have refused
    std::uint32_t limit = 0;      ///< requests per window
    std::uint32_t remaining = 0;  ///< requests that would be admitted now
    std::uint32_t reset_seconds =
        0;  ///< until more than `remaining` is there; rounded up, at most the window
    std::uint32_t retry_after_seconds =
        0;  ///< when refused: at least 1, and a retry then finds room; otherwise 0
};

struct RateLimiterOptions {
    /// Bytes: address space from the start, resident as it is touched. 160 MiB tell 1.4 million
    /// clients apart, and keep 200,000 busy ones (more than 20 requests in their windows) exact.
    std::size_t memory_max = std::size_t{160} << 20;
};

/// Sliding windows for all limits and all workers, in memory of fixed size.
///
/// For each client and limit: never more than `requests` are admitted in any half-open window [t, t
/// + window), and none is refused while 99 % of `requests` or fewer were admitted in the window
/// before it (lengthened by 1/16384). Limits of up to 116 requests are exact to the request.
/// Refused requests count nowhere.
///
/// When memory runs short, the first half of that holds and the second gives way. Nobody is
/// forgotten before the last admitted request has left the window. Busy clients without room are
/// counted in larger groups, and refused when a tenth of the limit is still theirs. Newcomers
/// without room share one allowance with other newcomers: a flood of addresses can make strangers
/// wait for each other, but never frees a client that has reached its limit.
///
/// Safe from any thread. A check holds the spin lock of each stripe it touches, for some tens of
/// nanoseconds.
class RateLimiter {
 public:
    static constexpr std::size_t charges_max = 8;

    explicit RateLimiter(RateLimiterOptions options = {});

    [[nodiscard]] RateClient client(const ClientNetwork& network) const;
    /// By type, issuer and subject. The anonymous principal is one client for everybody: use the
    /// address instead.
    [[nodiscard]] RateClient client(const Principal& principal) const;

    /// Judges all charges at once: admitted by all, or counted by none. The same client and limit
    /// twice is one charge.
    ///
    /// @param charges    at most charges_max; more are refused as a whole
    /// @param now        may lag behind another worker's by a turn: the later of the two then
    /// counts
    /// @param decisions  as many as charges: what each limit says
    /// @return true when every limit admits
    [[nodiscard]] bool admit(std::span<const Charge> charges, SteadyTime now,
                             std::span<LimitDecision> decisions);

    /// How often a newcomer found no room and shared an allowance. Growing: under a flood, or
    /// memory_max is too small.
    [[nodiscard]] std::uint64_t shared_total() const {
        return shared_total_.load(std::memory_order_relaxed);
    }

 private:
    struct Seat;

    [[nodiscard]] Seat locate(const Charge& charge) const;
    void take(Seat& seat);

    MappedMemory memory_;
    std::size_t stripes_;
    KeyedHash hash_ = KeyedHash::random();
    std::atomic<std::uint64_t> shared_total_ = 0;
};

}  // namespace gh::access
