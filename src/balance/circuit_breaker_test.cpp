#include "balance/circuit_breaker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace gh::balance {
namespace {

const SteadyTime start(seconds(1000));

CircuitBreakerOptions options(std::uint32_t failures = 3, std::uint32_t probes = 1) {
    return {.failures = failures,
            .window = milliseconds(10'000),
            .open_for = milliseconds(30'000),
            .half_open_requests = probes};
}

bool fail_once(CircuitBreaker& breaker, SteadyTime now) {
    auto pass = breaker.try_pass(now);
    return pass && pass->failed(now);
}

void open_at(CircuitBreaker& breaker, std::uint32_t failures, SteadyTime now) {
    for (std::uint32_t i = 0; i < failures; ++i) fail_once(breaker, now);
    ASSERT_EQ(breaker.state(), BreakerState::open);
}

TEST(CircuitBreaker, OpensAtTheLastFailureOfTheWindowAndNotBefore) {
    CircuitBreaker breaker(options());
    EXPECT_FALSE(fail_once(breaker, start));
    EXPECT_TRUE(breaker.try_pass(start)->succeeded() ==
                false);  // what succeeds between does not reset the count
    EXPECT_FALSE(fail_once(breaker, start + seconds(5)));
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    EXPECT_EQ(breaker.retry_after(start), seconds(0));
    EXPECT_TRUE(fail_once(breaker, start + milliseconds(9'999)));
    EXPECT_EQ(breaker.state(), BreakerState::open);
    EXPECT_EQ(breaker.opened_total(), 1U);
}

TEST(CircuitBreaker, ForgetsFailuresThatLeftTheWindow) {
    CircuitBreaker breaker(options());
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(fail_once(breaker, start + seconds(5) * i));
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    EXPECT_FALSE(fail_once(breaker, start + seconds(504)));  // 490 is out, 495 is in
    EXPECT_TRUE(fail_once(breaker, start + milliseconds(504'999)));
}

TEST(CircuitBreaker, LetsNothingThroughWhileOpen) {
    CircuitBreaker breaker(options());
    open_at(breaker, 3, start);
    EXPECT_FALSE(breaker.try_pass(start));
    EXPECT_FALSE(breaker.try_pass(start + milliseconds(29'999)));
    EXPECT_EQ(breaker.retry_after(start), seconds(30));
    EXPECT_EQ(breaker.retry_after(start + milliseconds(500)), seconds(30));
    EXPECT_EQ(breaker.retry_after(start + milliseconds(29'999)), seconds(1));
    EXPECT_EQ(breaker.retry_after(start + seconds(99)), seconds(1));
    EXPECT_TRUE(breaker.resting(start + milliseconds(29'999)));
    EXPECT_FALSE(breaker.resting(start + seconds(30)));
    EXPECT_EQ(breaker.state(), BreakerState::open);
}

TEST(CircuitBreaker, SendsOneProbeAndClosesWhenItSucceeds) {
    CircuitBreaker breaker(options());
    open_at(breaker, 3, start);
    const auto later = start + seconds(30);
    auto probe = breaker.try_pass(later);
    ASSERT_TRUE(probe);
    EXPECT_TRUE(probe->probe());
    EXPECT_EQ(breaker.state(), BreakerState::half_open);
    EXPECT_FALSE(breaker.try_pass(later));
    EXPECT_FALSE(breaker.try_pass(later + seconds(100)));
    EXPECT_TRUE(probe->succeeded());
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    auto pass = breaker.try_pass(later);
    ASSERT_TRUE(pass);
    EXPECT_FALSE(pass->probe());
    EXPECT_FALSE(fail_once(breaker, later));  // the count begins anew
    EXPECT_FALSE(fail_once(breaker, later));
}

TEST(CircuitBreaker, OpensAgainForItsFullTimeWhenAProbeFails) {
    CircuitBreaker breaker(options());
    open_at(breaker, 3, start);
    const auto later = start + seconds(40);
    EXPECT_TRUE(fail_once(breaker, later));
    EXPECT_EQ(breaker.state(), BreakerState::open);
    EXPECT_FALSE(breaker.try_pass(later + milliseconds(29'999)));
    EXPECT_TRUE(breaker.try_pass(later + seconds(30)));
    EXPECT_EQ(breaker.opened_total(), 2U);
}

TEST(CircuitBreaker, WantsAsManySuccessesAsItSendsProbesAtATime) {
    CircuitBreaker breaker(options(3, 2));
    open_at(breaker, 3, start);
    const auto later = start + seconds(30);
    auto first = breaker.try_pass(later);
    auto second = breaker.try_pass(later);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(breaker.try_pass(later));
    EXPECT_FALSE(first->succeeded());
    EXPECT_EQ(breaker.state(), BreakerState::half_open);
    auto third = breaker.try_pass(later);  // the place of the first
    ASSERT_TRUE(third);
    EXPECT_FALSE(breaker.try_pass(later));
    EXPECT_TRUE(second->succeeded());
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    EXPECT_FALSE(third->failed(later));  // from before it closed
    EXPECT_EQ(breaker.state(), BreakerState::closed);
}

TEST(CircuitBreaker, FreesThePlaceOfAProbeThatNeverEnded) {
    CircuitBreaker breaker(options());
    open_at(breaker, 3, start);
    const auto later = start + seconds(30);
    for (int i = 0; i < 5; ++i) {
        auto probe = breaker.try_pass(later);
        ASSERT_TRUE(probe);
        EXPECT_FALSE(breaker.try_pass(later));
        if (i % 2 == 0) probe->abandoned();  // otherwise by going out of scope
    }
    EXPECT_EQ(breaker.state(), BreakerState::half_open);
    EXPECT_TRUE(breaker.try_pass(later)->succeeded());
}

TEST(CircuitBreaker, DoesNotHearWhatBeganBeforeItChanged) {
    CircuitBreaker breaker(options());
    auto old_failing = breaker.try_pass(start);
    auto old_succeeding = breaker.try_pass(start);
    auto old_abandoned = breaker.try_pass(start);
    open_at(breaker, 3, start);
    const auto later = start + seconds(30);
    auto probe = breaker.try_pass(later);
    EXPECT_FALSE(old_succeeding->succeeded());
    EXPECT_FALSE(old_failing->failed(later));
    old_abandoned->abandoned();
    EXPECT_EQ(breaker.state(), BreakerState::half_open);
    EXPECT_FALSE(breaker.try_pass(later));  // the only probe is still out
    EXPECT_TRUE(probe->succeeded());
}

TEST(CircuitBreaker, HearsEachPassOnce) {
    CircuitBreaker breaker(options(2));
    auto pass = breaker.try_pass(start);
    EXPECT_FALSE(pass->failed(start));
    EXPECT_FALSE(pass->failed(start));
    EXPECT_EQ(breaker.state(), BreakerState::closed);
    auto moved = std::move(*breaker.try_pass(start));
    auto again = std::move(moved);
    EXPECT_TRUE(again.failed(start));
}

TEST(CircuitBreaker, BringsStrangeOptionsIntoBounds) {
    CircuitBreaker breaker({.failures = 0, .half_open_requests = 0});
    EXPECT_TRUE(fail_once(breaker, start));
    EXPECT_TRUE(breaker.try_pass(start + seconds(60)));
}

TEST(CircuitBreaker, NamesItsStates) {
    EXPECT_EQ(name_of(BreakerState::closed), "closed");
    EXPECT_EQ(name_of(BreakerState::open), "open");
    EXPECT_EQ(name_of(BreakerState::half_open), "half_open");
}

TEST(CircuitBreaker, NeverHasMoreProbesOutThanAllowedOverAllThreads) {
    constexpr int probes_max = 3;
    CircuitBreaker breaker(options(1, probes_max));
    open_at(breaker, 1, start);
    std::atomic<int> out = 0;
    std::atomic<bool> exceeded = false;
    std::atomic<int> passed = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 5; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5'000; ++i) {
                auto pass = breaker.try_pass(start + seconds(30));
                if (!pass) continue;
                ++passed;
                if (++out > probes_max) exceeded = true;
                if (i % 8 == 0) std::this_thread::yield();
                --out;  // before it is given back: what is counted here is never more than what is out
                pass->abandoned();
            }
        });
    }
    threads.clear();
    EXPECT_FALSE(exceeded);
    EXPECT_GT(passed, 0);
    EXPECT_EQ(breaker.state(), BreakerState::half_open);
    std::vector<CircuitBreaker::Pass> probes;
    for (int i = 0; i < probes_max; ++i)
        probes.push_back(breaker.try_pass(start + seconds(30)).value());
    EXPECT_FALSE(breaker.try_pass(start + seconds(30)));
}

TEST(CircuitBreaker, StaysOfOnePieceWhenAllThreadsSettleAtOnce) {
    CircuitBreaker breaker(options(2, 2));
    std::atomic<std::int64_t> clock_ms = 0;
    std::atomic<std::uint64_t> opened = 0;
    std::atomic<std::uint64_t> closed = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            std::uint64_t random = static_cast<std::uint64_t>(t) + 1;
            for (int i = 0; i < 20'000; ++i) {
                const auto now = start + milliseconds(clock_ms += 50);
                auto pass = breaker.try_pass(now);
                if (!pass) continue;
                random = random * 6364136223846793005 + 1442695040888963407;
                switch (random >> 33 & 3) {
                    case 0: opened += pass->failed(now); break;
                    case 1: pass->abandoned(); break;
                    default: closed += pass->succeeded(); break;
                }
            }
        });
    }
    threads.clear();
    EXPECT_GT(closed, 0U);
    EXPECT_EQ(opened, breaker.opened_total());
    EXPECT_LE(closed, opened);
    const auto end = start + milliseconds(clock_ms) + seconds(100);
    for (int i = 0; i < 2 && breaker.state() != BreakerState::closed; ++i) {
        auto probe = breaker.try_pass(end);  // nothing that ended kept a place
        ASSERT_TRUE(probe);
        probe->succeeded();
    }
    EXPECT_EQ(breaker.state(), BreakerState::closed);
}

}  // namespace
}  // namespace gh::balance
