#include "access/connection_budget.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

namespace gh::access {
namespace {

ClientNetwork address(std::uint32_t number) {
    const std::array<std::uint8_t, 4> octets{10, static_cast<std::uint8_t>(number >> 16),
                                             static_cast<std::uint8_t>(number >> 8),
                                             static_cast<std::uint8_t>(number)};
    return ClientNetwork::from_v4(octets);
}

TEST(ConnectionsWithin, LeaveRoomForEverythingElse) {
    struct Case {
        std::uint32_t wanted;
        std::uint64_t descriptors, reserve;
        std::uint32_t allowed;  // 0: refused
    };
    constexpr Case cases[] = {
        {20'000, 1'000'000, 1'000, 20'000},
        {20'000, 20'000, 1'000, 19'000},
        {20'000, 1'016, 1'000, 16},
        {20'000, 1'015, 1'000, 0},
        {20'000, 500, 1'000, 0},
        {4, 1'004, 1'000, 4},
        {4, 1'003, 1'000, 0},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::Message()
                     << c.wanted << " of " << c.descriptors << " without " << c.reserve);
        const auto allowed = connections_within(c.wanted, c.descriptors, c.reserve);
        EXPECT_EQ(allowed.value_or(0), c.allowed);
        EXPECT_EQ(allowed ? "" : allowed.error().reason,
                  c.allowed == 0 ? "limits.descriptors" : "");
    }
}

TEST(ConnectionBudget, RefusesBeyondTheLimitOfAnAddressAndOnlyThere) {
    ConnectionBudget budget(100, {.connections_max = 100, .connections_per_address_max = 2});
    auto first = budget.acquire(address(1));
    auto second = budget.acquire(address(1));
    ASSERT_TRUE(first && second);
    const auto third = budget.acquire(address(1));
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error(), BudgetRefusal::address);
    EXPECT_TRUE(budget.acquire(address(2)));
    EXPECT_EQ(budget.open(), 2U);
    second = {};
    EXPECT_TRUE(budget.acquire(address(1)));
}

TEST(ConnectionBudget, RefusesBeyondTheLimitOverall) {
    ConnectionBudget budget(3, {.connections_max = 3, .connections_per_address_max = 2});
    std::vector<ConnectionBudget::Token> held;
    for (std::uint32_t i = 0; i < 3; ++i) held.push_back(budget.acquire(address(i)).value());
    const auto refused = budget.acquire(address(9));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), BudgetRefusal::overall);
    held.pop_back();
    EXPECT_TRUE(budget.acquire(address(9)));
    EXPECT_EQ(name_of(BudgetRefusal::overall), "overall");
    EXPECT_EQ(name_of(BudgetRefusal::address), "address");
}

TEST(ConnectionBudget, GivesEachConnectionBackOnce) {
    ConnectionBudget budget(10, {.connections_max = 10, .connections_per_address_max = 10});
    {
        auto token = budget.acquire(address(1)).value();
        auto moved = std::move(token);
        token = std::move(moved);
        EXPECT_EQ(budget.open(), 1U);
        token = budget.acquire(address(2)).value();  // the first one ends here
        EXPECT_EQ(budget.open(), 1U);
    }
    EXPECT_EQ(budget.open(), 0U);
}

TEST(ConnectionBudget, LivesThroughManyMoreAddressesThanItHasRoomForAtOnce) {
    ConnectionBudget budget(64, {.connections_max = 64, .connections_per_address_max = 1});
    for (std::uint32_t round = 0; round < 1000; ++round) {
        std::vector<ConnectionBudget::Token> held;
        for (std::uint32_t i = 0; i < 64; ++i) {
            auto token = budget.acquire(address(round * 64 + i));
            ASSERT_TRUE(token);
            held.push_back(std::move(*token));
            ASSERT_FALSE(budget.acquire(address(round * 64 + i)));
        }
        ASSERT_EQ(budget.open(), 64U);
    }
    EXPECT_EQ(budget.open(), 0U);
}

TEST(ConnectionBudget, TakesNewLimitsWithoutClosingAnything) {
    ConnectionBudget budget(8, {.connections_max = 8, .connections_per_address_max = 8});
    std::vector<ConnectionBudget::Token> held;
    for (int i = 0; i < 4; ++i) held.push_back(budget.acquire(address(1)).value());
    budget.set_limits({.connections_max = 2, .connections_per_address_max = 8});
    EXPECT_EQ(budget.acquire(address(2)).error(), BudgetRefusal::overall);
    EXPECT_EQ(budget.open(), 4U);
    budget.set_limits({.connections_max = 1'000'000, .connections_per_address_max = 4});
    EXPECT_EQ(budget.acquire(address(1)).error(), BudgetRefusal::address);
    for (std::uint32_t i = 0; i < 4; ++i) held.push_back(budget.acquire(address(10 + i)).value());
    EXPECT_EQ(budget.acquire(address(20)).error(), BudgetRefusal::overall);  // the capacity
}

TEST(ConnectionBudget, HoldsItsLimitsOverAllThreads) {
    constexpr std::uint32_t overall = 50;
    constexpr std::uint32_t per_address = 9;
    ConnectionBudget budget(
        overall, {.connections_max = overall, .connections_per_address_max = per_address});
    std::array<std::atomic<std::uint32_t>, 8> held{};
    std::atomic<std::uint32_t> all = 0;
    std::atomic<bool> exceeded = false;
    std::vector<std::jthread> threads;
    for (std::uint32_t t = 0; t < 8; ++t) {
        threads.emplace_back([&, t] {
            std::vector<std::pair<std::uint32_t, ConnectionBudget::Token>> mine;
            std::uint64_t random = t + 1;
            for (int i = 0; i < 10'000; ++i) {
                random = random * 6364136223846793005 + 1442695040888963407;
                const auto number = static_cast<std::uint32_t>(random >> 40) % 8;
                if (random >> 63 != 0 && !mine.empty()) {
                    --held[mine.back().first];
                    --all;
                    mine.pop_back();
                } else if (auto token = budget.acquire(address(number))) {
                    // Counted after taking and before giving back: what is seen here is never more
                    // than what is held.
                    if (++held[number] > per_address || ++all > overall) exceeded = true;
                    mine.emplace_back(number, std::move(*token));
                }
            }
            for (auto& [number, token] : mine) {
                --held[number];
                --all;
            }
        });
    }
    threads.clear();
    EXPECT_FALSE(exceeded);
    EXPECT_EQ(budget.open(), 0U);
    std::vector<ConnectionBudget::Token> rest;
    for (std::uint32_t i = 0; i < overall; ++i)
        rest.push_back(budget.acquire(address(100 + i)).value());
}

}  // namespace
}  // namespace gh::access
