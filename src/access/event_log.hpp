#pragma once

#include <chrono>
#include <cstdint>
#include <span>

namespace gh::access {

/// How the log of one limit is laid out: which clock ticks it keeps, and how many events share a time.
struct EventLogShape {
    std::uint32_t requests = 1;     ///< admitted at most in any window
    std::uint32_t group = 1;        ///< events that share one entry, and so the time of the last of them
    std::int64_t window_ns = 0;
    std::uint8_t tick_shift = 0;    ///< a tick is 2^tick_shift ns: between window/32768 and window/16384
};

/// @param entries  how many times a log of this limit can hold, at least 1
[[nodiscard]] EventLogShape shape_event_log(std::uint32_t requests, std::chrono::nanoseconds window,
                                            std::uint32_t entries);

/// The events of one client under one limit that may still be in the window: a ring of times in the storage that
/// follows it. All zero is an empty log.
///
/// Every entry stands for `group` events, the newest for `partial` of them, and carries the time of its latest event
/// rounded up to a tick. So an event is never forgotten early, and only events of the oldest entry late.
struct EventLogHead {
    std::int64_t lapse_ns = 0;   ///< when the newest event leaves its window; the past: all have left
    std::uint32_t partial = 0;   ///< events in the newest entry, 1 to group; 0 when empty
    std::uint16_t oldest = 0;    ///< index of the oldest entry
    std::uint16_t entries = 0;
};

/// A log seen together with its shape and its ring; all functions take the same `now`, in monotonic nanoseconds.
class EventLog {
 public:
    EventLog(const EventLogShape& shape, EventLogHead& head, std::span<std::uint16_t> ring)
        : shape_(shape), head_(head), ring_(ring) {}

    /// Forgets what has left the window. To be called before the others.
    void expire(std::int64_t now_ns);
    /// Events that count now, at most shape.requests.
    [[nodiscard]] std::uint32_t count() const {
        return head_.entries == 0 ? 0 : (head_.entries - 1U) * shape_.group + head_.partial;
    }
    /// One more event; count() must be below shape.requests. Times that run backwards count as the newest seen.
    void add(std::int64_t now_ns);
    /// Nanoseconds until count() falls, if nothing is added; 0 when empty.
    [[nodiscard]] std::int64_t until_next_leaves(std::int64_t now_ns) const;

 private:
    [[nodiscard]] std::int64_t newest_tick() const;
    [[nodiscard]] std::int64_t oldest_tick() const;

    const EventLogShape& shape_;
    EventLogHead& head_;
    std::span<std::uint16_t> ring_;
};

}  // namespace gh::access
