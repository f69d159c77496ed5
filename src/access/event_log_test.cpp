#include "access/event_log.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

namespace gh::access {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

/// A log with its storage.
struct Kept {
    Kept(std::uint32_t requests, nanoseconds window, std::uint32_t shape_entries,
         std::uint32_t ring_entries)
        : shape(shape_event_log(requests, window, shape_entries)),
          ring(ring_entries),
          log(shape, head, ring) {}

    EventLogShape shape;
    EventLogHead head;
    std::vector<std::uint16_t> ring;
    EventLog log;
};

TEST(EventLogShape, KeepsTicksFineAndGroupsSmall) {
    struct Case {
        std::uint32_t requests;
        nanoseconds window;
        std::uint32_t group;
    };
    constexpr Case cases[] = {
        {1, std::chrono::milliseconds(1), 1},
        {116, seconds(1), 1},
        {117, seconds(60), 2},
        {232, seconds(60), 2},
        {10'000, std::chrono::hours(1), 87},
        {4'294'967'295, std::chrono::hours(24 * 366), 37'025'581},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.requests);
        const auto shape = shape_event_log(c.requests, c.window, 116);
        EXPECT_EQ(shape.group, c.group);
        EXPECT_LE((c.group - 1) * 100.0, c.requests);  // less than one part in a hundred
        const auto tick_ns = std::int64_t{1} << shape.tick_shift;
        EXPECT_LT(c.window.count() / tick_ns, 32'768);
        EXPECT_TRUE(shape.tick_shift == 0 || c.window.count() / tick_ns >= 16'384);
    }
}

TEST(EventLog, HoldsAnEventForItsWindowAndATickAtMost) {
    Kept kept(3, seconds(60), 116, 20);
    const auto window = seconds(60) / nanoseconds(1);
    const auto tick = std::int64_t{1} << kept.shape.tick_shift;
    const std::int64_t at = 123'456'789;
    kept.log.expire(at);
    kept.log.add(at);
    kept.log.expire(at + window - 1);
    EXPECT_EQ(kept.log.count(), 1U);
    EXPECT_GT(kept.log.nanoseconds_until_fewer(at + window - 1), 0);
    kept.log.expire(at + window + tick);
    EXPECT_EQ(kept.log.count(), 0U);
    EXPECT_EQ(kept.log.nanoseconds_until_fewer(at + window + tick), 0);
}

TEST(EventLog, SaysToTheNanosecondWhenTheNextEventLeaves) {
    Kept kept(10, seconds(60), 116, 20);
    for (const std::int64_t at : {5'000'000'000, 7'000'000'000, 30'000'000'000}) {
        kept.log.expire(at);
        kept.log.add(at);
    }
    const std::int64_t now = 40'000'000'000;
    kept.log.expire(now);
    ASSERT_EQ(kept.log.count(), 3U);
    const auto wait = kept.log.nanoseconds_until_fewer(now);
    kept.log.expire(now + wait - 1);
    EXPECT_EQ(kept.log.count(), 3U);
    kept.log.expire(now + wait);
    EXPECT_EQ(kept.log.count(), 2U);
}

TEST(EventLog, CountsAnEmptyLogThatBeganAsAlive) {
    Kept kept(3, seconds(1), 116, 20);
    kept.log.begin(1000);
    EXPECT_GT(kept.head.lapse_ns, 1000);
    kept.log.expire(1000);
    EXPECT_EQ(kept.log.count(), 0U);
    kept.log.add(1000);
    EXPECT_EQ(kept.log.count(), 1U);
}

/// Random traffic against a plain list of times. Never fewer than the truth; more only by what a
/// group allows.
void compare_with_list(std::uint32_t requests, std::uint32_t ring_entries, unsigned seed) {
    SCOPED_TRACE(testing::Message()
                 << requests << " requests, " << ring_entries << " entries, seed " << seed);
    const std::int64_t window = 1'000'000'000;
    Kept kept(requests, nanoseconds(window), ring_entries, ring_entries);
    const auto tick = std::int64_t{1} << kept.shape.tick_shift;
    std::mt19937_64 random(seed);
    std::deque<std::int64_t> times;  // as truly happened
    std::int64_t now = 17;
    for (int step = 0; step < 20'000; ++step) {
        const auto mean = window / requests;
        switch (random() % 16) {
            case 0:
                now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(window));
                break;
            case 1: now += window; break;  // right on the edge
            case 2:
            case 3:
            case 4:
                now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(mean + 1));
                break;
            default: break;  // a burst
        }
        if (random() % 500 == 0) now += 70'000 * tick;  // longer than 16 bits of ticks
        kept.log.expire(now);
        while (!times.empty() && times.front() + window + tick <= now) times.pop_front();
        const auto lately = times.size();  // in a window longer by a tick
        std::size_t truth = 0;
        for (const auto at : times) truth += at + window > now;
        ASSERT_GE(kept.log.count(), truth);
        ASSERT_LE(kept.log.count(), lately + kept.shape.group - 1);
        if (kept.log.count() < requests) {
            ASSERT_TRUE(!kept.log.full());
            kept.log.add(now);
            times.push_back(now);
        }
    }
}

TEST(EventLog, NeverForgetsEarlyAndHardlyEverLate) {
    for (unsigned seed = 1; seed <= 3; ++seed) {
        for (const std::uint32_t requests :
             {1U, 2U, 19U, 20U, 21U, 100U, 116U, 117U, 500U, 1000U}) {
            compare_with_list(requests, 116, seed);
        }
        for (const std::uint32_t requests : {1U, 7U, 8U, 9U, 64U})
            compare_with_list(requests, 8, seed);
    }
}

TEST(EventLog, GrowsCoarserRatherThanForgetful) {
    Kept kept(1000, seconds(1), 1000, 20);  // wants an entry for each, has twenty
    std::int64_t now = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        now = 500'000 * i;
        kept.log.expire(now);
        EXPECT_EQ(kept.log.count(), i);
        kept.log.add(now);
    }
    EXPECT_EQ(kept.log.count(), 1000U);
    EXPECT_EQ(kept.head.group, 64U);
    const std::int64_t later = 1'250'000'000;  // half have left
    kept.log.expire(later);
    EXPECT_GE(kept.log.count(), 499U);
    EXPECT_LE(kept.log.count(), 499U + 64);
}

TEST(EventLog, KeepsItsEventsWhenItMovesToARoomierRing) {
    Kept narrow(1000, seconds(1), 116, 20);
    for (std::int64_t i = 0; i < 300; ++i) {
        narrow.log.expire(i * 1'000'000);
        narrow.log.add(i * 1'000'000);
    }
    Kept wide(1000, seconds(1), 116, 116);
    wide.log.assign(narrow.log);
    EXPECT_EQ(wide.log.count(), 300U);
    EXPECT_EQ(wide.head.group, wide.shape.group);
    EXPECT_EQ(wide.head.lapse_ns, narrow.head.lapse_ns);
    for (std::int64_t now = 1'000'000'000; now < 1'310'000'000; now += 7'000'000) {
        narrow.log.expire(now);
        wide.log.expire(now);
        EXPECT_LE(wide.log.count(), narrow.log.count());
        const auto truth = std::max<std::int64_t>(0, (1'299'000'000 - now) / 1'000'000);
        EXPECT_GE(wide.log.count(), truth);
    }
    EXPECT_EQ(wide.log.count(), 0U);
}

TEST(EventLog, KeepsItsCountWhenItMovesToATighterRing) {
    Kept wide(1000, seconds(1), 116, 116);
    for (std::int64_t i = 0; i < 900; ++i) {
        wide.log.expire(i * 1'000'000);
        wide.log.add(i * 1'000'000);
    }
    Kept narrow(1000, seconds(1), 116, 20);
    narrow.log.assign(wide.log);
    EXPECT_EQ(narrow.log.count(), 900U);
    EXPECT_LE(narrow.head.entries, 20U);
    Kept nothing(1000, seconds(1), 116, 20);
    narrow.log.assign(nothing.log);
    EXPECT_EQ(narrow.log.count(), 0U);
}

}  // namespace
}  // namespace gh::access
