#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gh::access {

/// How the logs of one limit keep time, and how many events share one.
struct EventLogShape {
    std::uint32_t requests = 1;  ///< events at most in any window
    std::uint32_t group = 1;     ///< events to an entry where there is room
    std::uint8_t tick_shift =
        0;  ///< a tick is 2^tick_shift ns: between window/32768 and window/16384
    std::int64_t window_ns = 0;
};

/// @param entries  how many entries a log with room has, at least 1; `group` is the least that fits
/// `requests`
[[nodiscard]] EventLogShape shape_event_log(std::uint32_t requests, std::chrono::nanoseconds window,
                                            std::uint32_t entries);

/// What is kept of a log besides its ring. All zero is an empty log.
struct EventLogHead {
    std::int64_t lapse_ns =
        0;  ///< when the newest event leaves the window; not after now: the log counts for nothing
    std::uint32_t group =
        0;  ///< events to an entry in this log: the shape's, or that times a power of two
    std::uint32_t partial =
        0;  ///< events in the newest entry, 1 to group; every older entry has group
    std::uint16_t oldest = 0;  ///< index in the ring
    std::uint16_t entries = 0;
};

/// The events of one client under one limit that may still be in the window, over storage that is
/// kept elsewhere.
///
/// An entry stands for up to `group` events and carries the time of the latest of them, rounded up
/// to a tick. So no event is forgotten early, and late only those of the oldest entry: count() is
/// never less than the truth, and more by less than one group. Times are monotonic nanoseconds and
/// must not run backwards from call to call.
class EventLog {
 public:
    /// @param ring  of the same size for the life of the log
    EventLog(const EventLogShape& shape, EventLogHead& head, std::span<std::uint16_t> ring)
        : shape_(&shape), head_(&head), ring_(ring) {}

    void clear();
    /// Empty, but not to be taken for lapsed at `now_ns`.
    void begin(std::int64_t now_ns);
    /// Forgets what has left the window. Everything below wants this called first, with the same
    /// `now_ns`.
    void expire(std::int64_t now_ns);
    [[nodiscard]] std::uint32_t count() const {
        return head_->entries == 0 ? 0 : (head_->entries - 1U) * head_->group + head_->partial;
    }
    /// One event more would need an entry more than the ring has.
    [[nodiscard]] bool full() const {
        return head_->entries == ring_.size() && head_->partial == head_->group;
    }
    /// One event more. A full log makes its groups twice as large first: less exact, never too low.
    void add(std::int64_t now_ns);
    /// Takes over the events of another log of the same shape, in groups as small as the room
    /// allows.
    void assign(const EventLog& from);
    /// Until count() falls, if nothing is added; 0 when empty.
    [[nodiscard]] std::int64_t nanoseconds_until_fewer(std::int64_t now_ns) const;
    [[nodiscard]] const EventLogHead& head() const { return *head_; }

 private:
    [[nodiscard]] std::size_t place(
        std::uint32_t entry) const;  ///< in the ring; 0 is the oldest entry
    [[nodiscard]] std::int64_t newest_tick() const;
    [[nodiscard]] std::int64_t tick_at(std::uint32_t entry) const;
    [[nodiscard]] std::uint32_t events_at(std::uint32_t entry) const;
    void append(std::int64_t tick, std::uint32_t events);
    void coarsen();

    const EventLogShape* shape_;
    EventLogHead* head_;
    std::span<std::uint16_t> ring_;
};

}  // namespace gh::access
