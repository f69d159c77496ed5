#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "access/rate_limiter.hpp"

namespace gh::access {
namespace {

using std::chrono::seconds;

constexpr int threads_count = 8;

RateClient client_of(const RateLimiter& limiter, std::uint8_t number) {
    const std::array<std::uint8_t, 4> octets{10, 0, 0, number};
    return limiter.client(ClientNetwork::from_v4(octets));
}

TEST(RateLimiterThreads, AdmitExactlyTheLimitBetweenThemInEveryWindow) {
    constexpr std::uint32_t requests =
        700;                   // groups of seven, so that entries grow under contention
    constexpr int steps = 12;  // four to a window
    RateLimiter limiter;
    const Limit limit(1, requests, seconds(60));
    const auto client = client_of(limiter, 1);
    std::array<std::atomic<std::uint32_t>, steps> admitted{};
    std::barrier turn(threads_count);
    std::vector<std::jthread> threads;
    for (int t = 0; t < threads_count; ++t) {
        threads.emplace_back([&] {
            for (int step = 0; step < steps; ++step) {
                turn.arrive_and_wait();
                const SteadyTime now(seconds(1000) + seconds(16) * step);
                const Charge charge{&limit, client};
                LimitDecision decision;
                for (int i = 0; i < 200; ++i) {
                    admitted[static_cast<std::size_t>(step)] +=
                        limiter.admit({&charge, 1}, now, {&decision, 1});
                }
            }
        });
    }
    threads.clear();
    for (int step = 0; step < steps; ++step) {
        EXPECT_EQ(admitted[static_cast<std::size_t>(step)], step % 4 == 0 ? requests : 0U) << step;
    }
}

TEST(RateLimiterThreads, JudgeSeveralLimitsAtOnceWithoutDeadlockOrLeak) {
    RateLimiter limiter({.memory_max = 0});  // sixteen stripes: locks are contended in every order
    std::vector<Limit> limits;
    for (std::uint32_t i = 0; i < 6; ++i) limits.emplace_back(i, 400 + i * 100, seconds(60));
    std::atomic<std::uint32_t> admitted = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < threads_count; ++t) {
        threads.emplace_back([&, t] {
            std::vector<Charge> charges;
            for (std::size_t i = 0; i < limits.size(); ++i) {
                const auto rotated = (i + static_cast<std::size_t>(t)) % limits.size();
                charges.push_back({&limits[rotated], client_of(limiter, 1)});
            }
            std::array<LimitDecision, 6> decisions;
            for (int i = 0; i < 500; ++i) {
                admitted += limiter.admit(charges, SteadyTime(seconds(10)), decisions);
            }
        });
    }
    threads.clear();
    EXPECT_EQ(admitted, 400U);
    for (std::uint32_t i = 0; i < limits.size(); ++i) {
        const Charge charge{&limits[i], client_of(limiter, 1)};
        LimitDecision decision;
        EXPECT_EQ(limiter.admit({&charge, 1}, SteadyTime(seconds(10)), {&decision, 1}), i != 0);
        EXPECT_EQ(decision.remaining, i == 0 ? 0 : i * 100 - 1);
    }
}

TEST(RateLimiterThreads, KeepCrowdedClientsWithinTheirLimits) {
    constexpr std::uint32_t requests = 30;
    constexpr std::size_t clients = 6000;  // three times what sixteen stripes can tell apart
    RateLimiter limiter({.memory_max = 0});
    const Limit limit(1, requests, seconds(60));
    std::vector<std::atomic<std::uint32_t>> admitted(clients);
    std::vector<std::jthread> threads;
    for (int t = 0; t < threads_count; ++t) {
        threads.emplace_back([&, t] {
            std::uint64_t random = static_cast<std::uint64_t>(t) + 1;
            for (int i = 0; i < 20'000; ++i) {
                random = random * 6364136223846793005 + 1442695040888963407;
                const auto number = static_cast<std::size_t>((random >> 33) % clients);
                const std::array<std::uint8_t, 4> octets{10, 1,
                                                         static_cast<std::uint8_t>(number >> 8),
                                                         static_cast<std::uint8_t>(number)};
                const Charge charge{&limit, limiter.client(ClientNetwork::from_v4(octets))};
                LimitDecision decision;
                admitted[number] +=
                    limiter.admit({&charge, 1}, SteadyTime(seconds(10)), {&decision, 1});
            }
        });
    }
    threads.clear();
    for (const auto& count : admitted) EXPECT_LE(count, requests);
    EXPECT_GT(limiter.shared_total(), 0U);
}

}  // namespace
}  // namespace gh::access
