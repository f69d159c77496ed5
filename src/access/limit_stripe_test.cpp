#include "access/limit_stripe.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace gh::access {
namespace {

constexpr std::int64_t now = 1'000'000'000'000;

/// As the limiter's zeroed memory gives it.
std::unique_ptr<LimitStripe> fresh() {
    auto stripe = std::make_unique<LimitStripe>();
    stripe->clock_ns = now;
    return stripe;
}

const EventLogShape shape = shape_event_log(1000, std::chrono::seconds(60), 116);

TEST(LimitStripe, FindsAClientWhileItsEventsCountAndNoLonger) {
    const auto stripe = fresh();
    EXPECT_EQ(stripe->find(42), nullptr);
    auto* const log = stripe->claim(42);
    ASSERT_NE(log, nullptr);
    EventLog(shape, log->head, log->ring).begin(now);
    EXPECT_EQ(stripe->find(42), log);
    EXPECT_EQ(stripe->find(43), nullptr);
    stripe->clock_ns = now + 1;
    EXPECT_EQ(stripe->find(42), nullptr);
}

TEST(LimitStripe, HasRoomInEveryBucketItSearchesAndTakesNothingThatLives) {
    const auto stripe = fresh();
    std::set<NarrowLog*> taken;
    constexpr std::uint64_t same_bucket =
        LimitStripe::buckets;  // keys that begin their search at one place
    for (std::uint64_t i = 0; i < LimitStripe::buckets_probed * LimitStripe::bucket_logs; ++i) {
        auto* const log = stripe->claim(i * same_bucket);
        ASSERT_NE(log, nullptr);
        EXPECT_TRUE(taken.insert(log).second);
        log->head.lapse_ns = now + 1;
        EXPECT_EQ(stripe->find(i * same_bucket), log);
    }
    EXPECT_EQ(stripe->claim(1000 * same_bucket), nullptr);
    EXPECT_NE(stripe->claim(1000 * same_bucket + 8),
              nullptr);  // begins its search half a stripe away
    (*taken.begin())->head.lapse_ns = now;
    EXPECT_EQ(stripe->claim(1000 * same_bucket), *taken.begin());
}

TEST(LimitStripe, KeepsSharedLogsByLimit) {
    const auto stripe = fresh();
    for (std::uint64_t tag = 1; tag <= LimitStripe::shared_logs; ++tag) {
        auto* const log = stripe->claim_shared(tag);
        ASSERT_NE(log, nullptr);
        log->head.lapse_ns = now + 1;
    }
    EXPECT_EQ(stripe->claim_shared(99), nullptr);
    EXPECT_EQ(stripe->find_shared(99), nullptr);
    EXPECT_NE(stripe->find_shared(1), nullptr);
    EXPECT_NE(stripe->find_shared(1), stripe->find_shared(2));
    stripe->clock_ns = now + 1;
    EXPECT_EQ(stripe->find_shared(1), nullptr);
    EXPECT_NE(stripe->claim_shared(99), nullptr);
}

TEST(LimitStripe, WidensTheBusyWhileWideLogsLast) {
    const auto stripe = fresh();
    std::set<EventLogHead*> kept;
    for (std::uint64_t key = 0; key <= LimitStripe::wide_logs; ++key) {
        auto* const log = stripe->claim(key);
        ASSERT_NE(log, nullptr);
        EventLog narrow(shape, log->head, log->ring);
        narrow.begin(now);
        while (!narrow.full()) narrow.add(now);
        const auto events = narrow.count();
        stripe->widen(*log, shape);
        EXPECT_EQ(LimitStripe::widened(*log), key < LimitStripe::wide_logs);
        const auto storage = stripe->storage_of(*log);
        EXPECT_EQ(EventLog(shape, *storage.head, storage.ring).count(), events);
        EXPECT_TRUE(kept.insert(storage.head).second);
        EXPECT_EQ(storage.head->lapse_ns, log->head.lapse_ns);
    }
}

}  // namespace
}  // namespace gh::access
