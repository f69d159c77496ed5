#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

#include "access/limit_stripe.hpp"
#include "access/rate_limiter.hpp"

namespace gh::access {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::size_t smallest = 0;  // the limiter then takes its minimum of 16 stripes
constexpr std::size_t smallest_clients = 16 * LimitStripe::buckets * LimitStripe::bucket_logs;

SteadyTime at(nanoseconds since_start) { return SteadyTime(since_start); }

ClientNetwork address(std::uint32_t number) {
    const std::array<std::uint8_t, 4> octets{
        static_cast<std::uint8_t>(number >> 24), static_cast<std::uint8_t>(number >> 16),
        static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return ClientNetwork::from_v4(octets);
}

LimitDecision ask(RateLimiter& limiter, const Limit& limit, RateClient client, SteadyTime now) {
    const Charge charge{&limit, client};
    LimitDecision decision;
    const bool admitted = limiter.admit({&charge, 1}, now, {&decision, 1});
    EXPECT_EQ(admitted, decision.allowed);
    return decision;
}

LimitDecision ask(RateLimiter& limiter, const Limit& limit, std::uint32_t number, SteadyTime now) {
    return ask(limiter, limit, limiter.client(address(number)), now);
}

/// What was admitted per client, to check the promise against.
class Witness {
 public:
    Witness(std::size_t clients, std::uint32_t requests, nanoseconds window)
        : admitted_(clients), requests_(requests), window_(window) {}

    void admitted(std::size_t client, SteadyTime now) {
        auto& times = admitted_[client];
        while (!times.empty() && times.front() + window_ <= now) times.pop_front();
        times.push_back(now);
        ASSERT_LE(times.size(), requests_) << "client " << client;
    }

 private:
    std::vector<std::deque<SteadyTime>> admitted_;
    std::size_t requests_;
    nanoseconds window_;
};

TEST(RateLimiterCrowd, NeverGivesAnybodyMoreThanTheLimitHoweverCrowdedItIs) {
    for (const std::uint32_t requests : {1U, 3U, 25U, 150U}) {
        SCOPED_TRACE(requests);
        std::mt19937_64 random(requests);
        RateLimiter limiter({.memory_max = smallest});
        const Limit limit(1, requests, seconds(10));
        constexpr std::size_t clients = smallest_clients * 3;
        Witness witness(clients, requests, seconds(10));
        auto now = at(seconds(1));
        for (int i = 0; i < 300'000; ++i) {
            // Waves: at times everybody comes, at times few do, so that clients move in and out of
            // shared logs.
            const bool crowd = i / 20'000 % 2 == 0;
            const auto client = random() % (crowd ? clients : 200);
            if (random() % 4 == 0) now += nanoseconds(random() % (crowd ? 200'000 : 2'000'000));
            if (random() % 20'000 == 0) now += seconds(10);
            if (ask(limiter, limit, static_cast<std::uint32_t>(client), now).allowed) {
                witness.admitted(client, now);
                if (testing::Test::HasFatalFailure()) return;
            }
        }
        EXPECT_GT(limiter.shared_total(), 0U) << "the crowd was too small to be a test";
    }
}

TEST(RateLimiterCrowd, IsNotMadeToForgetByAFlood) {
    RateLimiter limiter({.memory_max = smallest});
    const Limit limit(1, 5, minutes(1));
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(1))).allowed);
    for (std::uint32_t stranger = 1000; stranger < 1000 + smallest_clients * 20; ++stranger) {
        ask(limiter, limit, stranger, at(seconds(2)));
    }
    EXPECT_GT(limiter.shared_total(), smallest_clients);
    EXPECT_FALSE(ask(limiter, limit, 1, at(seconds(60))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(62) + milliseconds(10))).allowed);
}

TEST(RateLimiterCrowd, RecoversOnceAFloodHasLeftTheWindow) {
    RateLimiter limiter({.memory_max = smallest});
    const Limit limit(1, 5, minutes(1));
    for (std::uint32_t stranger = 0; stranger < smallest_clients * 20; ++stranger) {
        ask(limiter, limit, stranger, at(seconds(2)));
    }
    const auto shared = limiter.shared_total();
    for (std::uint32_t client = 0; client < 500; ++client) {
        for (int i = 0; i < 5; ++i)
            EXPECT_TRUE(ask(limiter, limit, client, at(seconds(63))).allowed);
        EXPECT_FALSE(ask(limiter, limit, client, at(seconds(63))).allowed);
    }
    EXPECT_EQ(limiter.shared_total(), shared);
}

TEST(RateLimiterCrowd, KeepsOtherLimitsUsableDuringAFloodOnOne) {
    RateLimiter limiter({.memory_max = smallest});
    const Limit flooded(1, 5, hours(1));
    const Limit other(2, 1'000, minutes(1));
    for (std::uint32_t stranger = 0; stranger < smallest_clients * 20; ++stranger) {
        ask(limiter, flooded, stranger, at(seconds(2)));
    }
    std::size_t admitted = 0;
    for (std::uint32_t client = 0; client < 1000; ++client) {
        admitted += ask(limiter, other, client, at(seconds(3))).allowed;
    }
    EXPECT_EQ(admitted, 1000U);
}

TEST(RateLimiterCrowd, RefusesWithAWaitWhenNotEvenASharedLogIsFree) {
    RateLimiter limiter({.memory_max = smallest});
    std::vector<Limit> limits;
    for (std::uint32_t i = 0; i < LimitStripe::shared_logs + 1; ++i)
        limits.emplace_back(i, 5, minutes(1));
    for (const auto& limit : limits) {
        for (std::uint32_t stranger = 0; stranger < smallest_clients * 4; ++stranger) {
            const auto decision = ask(limiter, limit, stranger, at(seconds(2)));
            EXPECT_EQ(decision.allowed, decision.retry_after_seconds == 0);
        }
    }
    const auto decision = ask(limiter, limits.back(), 4'000'000, at(seconds(2)));
    EXPECT_FALSE(decision.allowed);
    EXPECT_EQ(decision.remaining, 0U);
    EXPECT_GE(decision.retry_after_seconds, 1U);
    EXPECT_TRUE(ask(limiter, limits.back(), 4'000'000, at(seconds(70))).allowed);
}

TEST(RateLimiterCrowd, GivesBusyClientsWithoutRoomNineTenths) {
    RateLimiter limiter({.memory_max = smallest});
    const Limit limit(1, 100, seconds(10));
    constexpr std::uint32_t clients = 1000;  // wide logs for 256 of them
    std::vector<std::uint32_t> admitted(clients);
    constexpr int steps = 600;  // three windows, twice the limit asked
    for (int step = 0; step < steps; ++step) {
        for (std::uint32_t client = 0; client < clients; ++client) {
            const auto now = at(seconds(1) + milliseconds(50) * step);
            admitted[client] += ask(limiter, limit, client, now).allowed;
        }
    }
    EXPECT_EQ(limiter.shared_total(), 0U);
    std::size_t exact = 0;
    for (const auto count : admitted) {
        EXPECT_LE(count, 300U);
        EXPECT_GE(count, 270U);
        exact += count == 300;
    }
    EXPECT_GE(exact, 200U);
}

TEST(RateLimiterCrowd, TellsAMillionAddressesApartInItsMemory) {
    RateLimiter limiter;
    const Limit limit(1, 2, minutes(1));
    constexpr std::uint32_t addresses = 1'000'000;
    std::size_t refused = 0;
    for (std::uint32_t i = 0; i < addresses; ++i)
        refused += !ask(limiter, limit, i, at(seconds(5))).allowed;
    EXPECT_LT(refused, addresses / 1000);
    EXPECT_LT(limiter.shared_total(), addresses / 1000);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        ask(limiter, limit, i, at(seconds(6)));
        EXPECT_FALSE(ask(limiter, limit, i, at(seconds(6))).allowed);
    }
}

}  // namespace
}  // namespace gh::access
