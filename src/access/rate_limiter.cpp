#include "access/rate_limiter.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <optional>
#include <string_view>

#include "access/limit_stripe.hpp"

namespace gh::access {
namespace {

constexpr std::size_t stripes_min = 16;
constexpr std::uint8_t network_domain = 'n';
constexpr std::uint8_t principal_domain = 'p';

std::uint64_t mix(std::uint64_t value) {  // the finaliser of splitmix64
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

/// Maps a uniform word onto [0, count).
std::size_t scale(std::uint64_t uniform, std::size_t count) {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(uniform) * count) >> 64);
}

std::uint32_t seconds_up(std::int64_t nanoseconds) {
    constexpr std::int64_t second = 1'000'000'000;
    return static_cast<std::uint32_t>((std::max<std::int64_t>(nanoseconds, 0) + second - 1) /
                                      second);
}

/// Holds the locks of several stripes, each once, taken in the order of their addresses.
class StripeLocks {
 public:
    StripeLocks() = default;
    StripeLocks(const StripeLocks&) = delete;
    StripeLocks& operator=(const StripeLocks&) = delete;
    ~StripeLocks() {
        for (std::size_t i = 0; i < locked_; ++i) stripes_[i]->lock.unlock();
    }
    void add(LimitStripe& stripe) { stripes_[count_++] = &stripe; }
    void lock() {
        std::sort(stripes_.begin(), stripes_.begin() + count_);
        const auto end = std::unique(stripes_.begin(), stripes_.begin() + count_);
        count_ = static_cast<std::size_t>(end - stripes_.begin());
        while (locked_ < count_) stripes_[locked_++]->lock.lock();
    }

 private:
    std::array<LimitStripe*, RateLimiter::charges_max> stripes_{};
    std::size_t count_ = 0;
    std::size_t locked_ = 0;
};

}  // namespace

Limit::Limit(std::uint64_t id, std::uint32_t requests, std::chrono::nanoseconds window)
    : shape_(shape_event_log(requests, std::clamp(window, window_min, window_max),
                             std::tuple_size_v<decltype(WideLog::ring)>)),
      tag_(mix(mix(mix(id) ^ shape_.requests) ^ static_cast<std::uint64_t>(shape_.window_ns)) | 1) {
}

/// Where one charge counts. Good while its stripe is locked.
struct RateLimiter::Seat {
    LimitStripe* stripe = nullptr;
    const Limit* limit = nullptr;
    std::uint64_t key = 0;
    NarrowLog* own = nullptr;        ///< nullptr: counts in a shared log
    std::optional<EventLog> log;     ///< none: not even a shared log was free
    std::uint32_t count_before = 0;  ///< this call's charges in the same log included
    const Seat* repeats = nullptr;   ///< the same client and limit, earlier in this call

    [[nodiscard]] bool admits() const {
        return repeats != nullptr || (log && count_before < limit->shape_.requests);
    }
    void commit() {
        if (repeats != nullptr) return;
        const auto now = stripe->clock_ns;
        if (own != nullptr && log->full() && !LimitStripe::widened(*own)) {
            stripe->widen(*own, limit->shape_);
            const auto storage = stripe->storage_of(*own);
            log.emplace(limit->shape_, *storage.head, storage.ring);
        }
        log->add(now);
        if (own != nullptr) own->head.lapse_ns = log->head().lapse_ns;
    }
    [[nodiscard]] LimitDecision decision() const {
        const auto now = stripe->clock_ns;
        const auto requests = limit->shape_.requests;
        LimitDecision answer{.allowed = admits(), .limit = requests};
        if (log && log->count() == 0) {
            answer.remaining = requests;
            answer.reset_seconds = seconds_up(limit->shape_.window_ns);
            return answer;
        }
        std::int64_t wait = 0;
        if (log) {
            answer.remaining = requests - std::min(requests, log->count());
            wait = log->nanoseconds_until_fewer(now);
        } else {
            wait = limit->shape_.window_ns;
            for (const auto& other : stripe->shared)
                wait = std::min(wait, other.head.lapse_ns - now);
        }
        answer.reset_seconds = seconds_up(wait);
        if (!answer.allowed) answer.retry_after_seconds = std::max(seconds_up(wait), 1U);
        return answer;
    }
};

RateLimiter::RateLimiter(RateLimiterOptions options)
    : stripes_(std::max(options.memory_max / sizeof(LimitStripe), stripes_min)) {
    memory_ = MappedMemory(stripes_ * sizeof(LimitStripe));
}

RateClient RateLimiter::client(const ClientNetwork& network) const {
    std::array<std::uint8_t, 17> bytes;
    std::ranges::copy(network.bytes(), bytes.begin());
    bytes.back() = network_domain;
    return {hash_(bytes)};
}

RateClient RateLimiter::client(const Principal& principal) const {
    // Hashes of the parts, so that no two different pairs of texts read the same when joined.
    const std::array parts{hash_(principal.issuer), hash_(principal.subject)};
    std::array<std::uint8_t, sizeof parts + 2> bytes;
    const auto raw = std::bit_cast<std::array<std::uint8_t, sizeof parts>>(parts);
    std::ranges::copy(raw, bytes.begin());
    bytes[sizeof parts] = static_cast<std::uint8_t>(principal.type);
    bytes[sizeof parts + 1] = principal_domain;
    return {hash_(bytes)};
}

RateLimiter::Seat RateLimiter::locate(const Charge& charge) const {
    const auto tag = charge.limit->tag_;
    const auto index = scale(charge.client.hash.low ^ tag, stripes_);
    auto* const stripes = reinterpret_cast<LimitStripe*>(memory_.data());
    return Seat{.stripe = stripes + index,
                .limit = charge.limit,
                .key = charge.client.hash.high ^ std::rotl(tag, 32)};
}

void RateLimiter::take(Seat& seat) {
    auto& stripe = *seat.stripe;
    const auto& shape = seat.limit->shape_;
    const auto tag = seat.limit->tag_;
    const auto now = stripe.clock_ns;
    seat.own = stripe.find(seat.key);
    if (seat.own != nullptr) {
        const auto storage = stripe.storage_of(*seat.own);
        seat.log.emplace(shape, *storage.head, storage.ring).expire(now);
        return;
    }
    auto* shared = stripe.find_shared(tag);
    seat.own = stripe.claim(seat.key);
    if (seat.own != nullptr) {
        auto& log = seat.log.emplace(shape, seat.own->head, seat.own->ring);
        log.clear();
        if (shared != nullptr) {
            // This client may be one of those who share: it takes their count along, or it would
            // have its limit twice.
            EventLog theirs(shape, shared->head, shared->ring);
            theirs.expire(now);
            log.assign(theirs);
        }
        if (log.count() == 0) log.begin(now);
        return;
    }
    shared_total_.fetch_add(1, std::memory_order_relaxed);
    const bool first = shared == nullptr;
    if (first) shared = stripe.claim_shared(tag);
    if (shared == nullptr) return;
    auto& log = seat.log.emplace(shape, shared->head, shared->ring);
    if (first) log.begin(now);
    log.expire(now);
}

bool RateLimiter::admit(std::span<const Charge> charges, SteadyTime now,
                        std::span<LimitDecision> decisions) {
    const auto count = charges.size();
    if (count > charges_max || decisions.size() < count) return false;
    std::array<Seat, charges_max> storage;
    const auto seats = std::span(storage).first(count);
    StripeLocks locks;
    for (std::size_t i = 0; i < count; ++i) {
        seats[i] = locate(charges[i]);
        locks.add(*seats[i].stripe);
    }
    locks.lock();

    bool admitted = true;
    const auto now_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
    for (std::size_t i = 0; i < count; ++i) {
        auto& seat = seats[i];
        seat.stripe->clock_ns = std::max(seat.stripe->clock_ns, now_ns);
        take(seat);
        if (seat.log) seat.count_before = seat.log->count();
        for (const auto& earlier : seats.first(i)) {
            if (!seat.log || !earlier.log || &earlier.log->head() != &seat.log->head()) continue;
            if (earlier.key == seat.key) seat.repeats = &earlier;
            if (earlier.repeats == nullptr) ++seat.count_before;
        }
        admitted = admitted && seat.admits();
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (admitted) seats[i].commit();
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto* const repeats = seats[i].repeats;
        decisions[i] =
            repeats != nullptr ? decisions[repeats - storage.data()] : seats[i].decision();
    }
    return admitted;
}

}  // namespace gh::access
