#include "access/event_log.hpp"

#include <algorithm>
#include <array>

namespace gh::access {

namespace {

/// The widest window in ticks, so that ticks in the ring fit 16 bits with as much again to spare.
constexpr std::int64_t window_ticks_max = 32'768;

/// No ring is longer, so that a log can be copied aside on the stack.
constexpr std::size_t ring_max = 256;

std::uint32_t divide_up(std::uint32_t value, std::uint32_t by) { return (value - 1) / by + 1; }

}  // namespace

EventLogShape shape_event_log(std::uint32_t requests, std::chrono::nanoseconds window,
                              std::uint32_t entries) {
    EventLogShape shape;
    shape.requests = std::max(requests, 1U);
    shape.group = divide_up(shape.requests, std::max(entries, 1U));
    shape.window_ns = window.count();
    while ((shape.window_ns >> shape.tick_shift) >= window_ticks_max) ++shape.tick_shift;
    return shape;
}

void EventLog::clear() { *head_ = EventLogHead{.group = shape_->group}; }

void EventLog::begin(std::int64_t now_ns) {
    clear();
    head_->lapse_ns = now_ns + 1;
}

void EventLog::expire(std::int64_t now_ns) {
    if (head_->lapse_ns <= now_ns) {
        clear();
        return;
    }
    const auto left = (now_ns - shape_->window_ns) >> shape_->tick_shift;
    while (head_->entries > 1 && tick_at(0) <= left) {
        head_->oldest = static_cast<std::uint16_t>(place(1));
        --head_->entries;
    }
}

void EventLog::add(std::int64_t now_ns) {
    if (full()) coarsen();
    const auto tick_ns = std::int64_t{1} << shape_->tick_shift;
    append((now_ns + tick_ns - 1) >> shape_->tick_shift, 1);
}

void EventLog::assign(const EventLog& from) {
    const auto events = from.count();
    clear();
    if (events == 0) return;
    while (divide_up(events, head_->group) > ring_.size()) head_->group *= 2;
    for (std::uint32_t i = 0; i < from.head_->entries; ++i) {
        append(from.tick_at(i), from.events_at(i));
    }
}

std::int64_t EventLog::nanoseconds_until_fewer(std::int64_t now_ns) const {
    if (head_->entries == 0) return 0;
    return (tick_at(0) << shape_->tick_shift) + shape_->window_ns - now_ns;
}

std::size_t EventLog::place(std::uint32_t entry) const {
    const std::size_t straight = std::size_t{head_->oldest} + entry;
    return straight < ring_.size() ? straight : straight - ring_.size();
}

std::int64_t EventLog::newest_tick() const {
    return (head_->lapse_ns - shape_->window_ns) >> shape_->tick_shift;
}

std::int64_t EventLog::tick_at(std::uint32_t entry) const {
    const auto kept = ring_[place(entry)];
    const auto newest = newest_tick();
    return newest - static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - kept);
}

std::uint32_t EventLog::events_at(std::uint32_t entry) const {
    return entry + 1U == head_->entries ? head_->partial : head_->group;
}

void EventLog::append(std::int64_t tick, std::uint32_t events) {
    while (events > 0) {
        if (head_->entries == 0 || head_->partial == head_->group) {
            ++head_->entries;
            head_->partial = 0;
        }
        const auto taken = std::min(events, head_->group - head_->partial);
        head_->partial += taken;
        events -= taken;
        ring_[place(head_->entries - 1U)] = static_cast<std::uint16_t>(tick);
    }
    head_->lapse_ns = (tick << shape_->tick_shift) + shape_->window_ns;
}

void EventLog::coarsen() {
    std::array<std::uint16_t, ring_max> ring_aside;
    std::ranges::copy(ring_, ring_aside.begin());
    auto head_aside = *head_;
    const EventLog aside(*shape_, head_aside, std::span(ring_aside).first(ring_.size()));
    clear();
    head_->group = head_aside.group * 2;
    for (std::uint32_t i = 0; i < head_aside.entries; ++i) {
        append(aside.tick_at(i), aside.events_at(i));
    }
}

}  // namespace gh::access
