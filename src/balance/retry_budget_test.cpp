#include "balance/retry_budget.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace gh::balance {
namespace {

const SteadyTime start(seconds(1000));

int retries_at(RetryBudget& budget, SteadyTime now) {
    int count = 0;
    while (count < 100'000 && budget.try_retry(now)) ++count;
    return count;
}

TEST(RetryBudget, AllowsAFloorWithoutAnyRequests) {
    RetryBudget budget({.percent = 20, .per_second_floor = 3});
    EXPECT_EQ(retries_at(budget, start), 30);
    EXPECT_EQ(retries_at(budget, start + milliseconds(9'999)), 0);
    EXPECT_EQ(retries_at(budget, start + seconds(10)), 30);
}

TEST(RetryBudget, AllowsAShareOfRecentRequests) {
    RetryBudget budget({.percent = 20, .per_second_floor = 0});
    EXPECT_FALSE(budget.try_retry(start));
    for (int i = 0; i < 1000; ++i) budget.requested(start + milliseconds(i * 5));  // five seconds
    EXPECT_EQ(retries_at(budget, start + seconds(5)), 200);
    EXPECT_EQ(retries_at(budget, start + seconds(9)), 0);
    EXPECT_EQ(retries_at(budget, start + seconds(12)),
              0);  // 400 requests left, 200 retries of second 5 still count
    EXPECT_EQ(retries_at(budget, start + seconds(30)), 0);
}

TEST(RetryBudget, CountsOnlyTheLastTenSeconds) {
    RetryBudget budget({.percent = 50, .per_second_floor = 0});
    for (int second = 0; second < 40; ++second) {
        for (int i = 0; i < 10; ++i) budget.requested(start + seconds(second));
    }
    EXPECT_EQ(retries_at(budget, start + seconds(39)), 50);  // half of ten times ten
}

TEST(RetryBudget, NeverAllowsMoreThanAHundredPercent) {
    RetryBudget budget({.percent = 5000, .per_second_floor = 0});
    for (int i = 0; i < 10; ++i) budget.requested(start);
    EXPECT_EQ(retries_at(budget, start), 10);
}

TEST(RetryBudget, HoldsOverAllThreads) {
    RetryBudget budget({.percent = 10, .per_second_floor = 1});
    std::atomic<int> retried = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 5'000; ++i) {
                budget.requested(start);
                retried += budget.try_retry(start);
            }
        });
    }
    threads.clear();
    retried += retries_at(budget, start);
    EXPECT_EQ(retried, 2'010);
}

TEST(RetryBudget, LosesNoRequestWhereTheSecondTurns) {
    RetryBudget budget({.percent = 100, .per_second_floor = 0});
    constexpr std::uint32_t workers = 4;
    const SteadyTime later(seconds(1'016));  // the cell of second 1000, to be replaced
    budget.requested(SteadyTime(seconds(1'000)));
    {
        std::vector<std::jthread> threads;
        for (std::uint32_t t = 0; t < workers; ++t)
            threads.emplace_back([&] { budget.requested(later); });
    }
    for (std::uint32_t i = 0; i < workers; ++i) EXPECT_TRUE(budget.try_retry(later));
    EXPECT_FALSE(budget.try_retry(later));
}

}  // namespace
}  // namespace gh::balance
