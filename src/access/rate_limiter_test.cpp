#include "access/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <vector>

namespace gh::access {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::size_t smallest = 0;  // the limiter then takes its minimum of 16 stripes

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

TEST(RateLimiter, AdmitsAsManyAsTheLimitAndThenSaysWhenToComeBack) {
    RateLimiter limiter;
    const Limit limit(1, 3, minutes(1));
    for (std::uint32_t i = 0; i < 3; ++i) {
        const auto decision = ask(limiter, limit, 7, at(seconds(100 + i)));
        EXPECT_TRUE(decision.allowed);
        EXPECT_EQ(decision.limit, 3U);
        EXPECT_EQ(decision.remaining, 2 - i);
        EXPECT_EQ(decision.reset_seconds, 61U - i) << "rounded up from a tick above 60 s";
        EXPECT_EQ(decision.retry_after_seconds, 0U);
    }
    const auto refused = ask(limiter, limit, 7, at(seconds(110)));
    EXPECT_FALSE(refused.allowed);
    EXPECT_EQ(refused.remaining, 0U);
    EXPECT_EQ(refused.reset_seconds, refused.retry_after_seconds);
    EXPECT_EQ(refused.retry_after_seconds, 51U);
    EXPECT_FALSE(ask(limiter, limit, 7, at(seconds(159))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 7, at(seconds(110 + 51))).allowed);
}

TEST(RateLimiter, TellsClientsApart) {
    RateLimiter limiter;
    const Limit limit(1, 1, minutes(1));
    EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(1))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 2, at(seconds(1))).allowed);
    EXPECT_FALSE(ask(limiter, limit, 1, at(seconds(1))).allowed);
}

TEST(RateLimiter, TellsLimitsApartByIdRequestsAndWindow) {
    RateLimiter limiter;
    const Limit first(1, 1, minutes(1));
    EXPECT_TRUE(ask(limiter, first, 1, at(seconds(1))).allowed);
    EXPECT_TRUE(ask(limiter, Limit(2, 1, minutes(1)), 1, at(seconds(1))).allowed);
    EXPECT_TRUE(ask(limiter, Limit(1, 2, minutes(1)), 1, at(seconds(1))).allowed);
    EXPECT_TRUE(ask(limiter, Limit(1, 1, minutes(2)), 1, at(seconds(1))).allowed);
    const Limit same_again(1, 1, minutes(1));  // as after a reload
    EXPECT_FALSE(ask(limiter, same_again, 1, at(seconds(1))).allowed);
}

TEST(RateLimiter, TellsPrincipalsApartByTypeIssuerAndSubject) {
    RateLimiter limiter;
    const Limit limit(1, 1, minutes(1));
    const Principal principals[] = {
        {.type = PrincipalType::user, .subject = "ada", .issuer = "idp"},
        {.type = PrincipalType::agent, .subject = "ada", .issuer = "idp"},
        {.type = PrincipalType::user, .subject = "ada", .issuer = "legacy"},
        {.type = PrincipalType::user, .subject = "bob", .issuer = "idp"},
        {.type = PrincipalType::user, .subject = "dpada", .issuer = "i"},
    };
    for (const auto& principal : principals) {
        const auto client = limiter.client(principal);
        EXPECT_TRUE(ask(limiter, limit, client, at(seconds(1))).allowed);
        EXPECT_FALSE(ask(limiter, limit, client, at(seconds(1))).allowed);
    }
}

TEST(RateLimiter, IsSlidingSoThatBurstsAroundAnEdgeDoNotAddUp) {
    RateLimiter limiter;
    const Limit limit(1, 100, minutes(1));
    std::size_t late = 0;
    std::size_t early = 0;
    for (int i = 0; i < 500; ++i) early += ask(limiter, limit, 1, at(milliseconds(59'999))).allowed;
    for (int i = 0; i < 500; ++i) late += ask(limiter, limit, 1, at(milliseconds(60'001))).allowed;
    EXPECT_EQ(early, 100U);
    EXPECT_EQ(late, 0U);
    for (int i = 0; i < 500; ++i) late += ask(limiter, limit, 1, at(milliseconds(119'998))).allowed;
    EXPECT_EQ(late, 0U);
    for (int i = 0; i < 500; ++i) late += ask(limiter, limit, 1, at(milliseconds(120'004))).allowed;
    EXPECT_EQ(late, 100U);
}

TEST(RateLimiter, WorksBeforeTheClockIsAsOldAsTheWindow) {
    RateLimiter limiter;
    const Limit limit(1, 2, hours(24));
    EXPECT_TRUE(ask(limiter, limit, 1, at(nanoseconds(0))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(5))).allowed);
    EXPECT_FALSE(ask(limiter, limit, 1, at(seconds(6))).allowed);
    EXPECT_FALSE(ask(limiter, limit, 1, at(hours(24) - seconds(1))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 1, at(hours(24) + seconds(3))).allowed);
}

TEST(RateLimiter, DoesNotLetAClockThatLagsFreeAnybody) {
    RateLimiter limiter;
    const Limit limit(1, 2, seconds(10));
    EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(100))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(80))).allowed);  // counts as 100
    EXPECT_FALSE(ask(limiter, limit, 1, at(seconds(90))).allowed);
    EXPECT_FALSE(ask(limiter, limit, 1, at(seconds(109))).allowed);
    EXPECT_TRUE(ask(limiter, limit, 1, at(seconds(111))).allowed);
}

TEST(RateLimiter, BringsStrangeLimitsIntoBounds) {
    EXPECT_EQ(Limit(1, 0, seconds(1)).requests(), 1U);
    EXPECT_EQ(Limit(1, 1, nanoseconds(0)).window(), Limit::window_min);
    EXPECT_EQ(Limit(1, 1, hours(24 * 10'000)).window(), Limit::window_max);
}

TEST(RateLimiter, CountsByNoneWhatOneRefuses) {
    RateLimiter limiter;
    const Limit tight(1, 2, minutes(1));
    const Limit loose(2, 10, hours(1));
    const auto client = limiter.client(address(1));
    const Charge charges[] = {{&loose, client}, {&tight, client}};
    std::array<LimitDecision, 2> decisions;
    const auto now = at(seconds(1));
    EXPECT_TRUE(limiter.admit(charges, now, decisions));
    EXPECT_TRUE(limiter.admit(charges, now, decisions));
    EXPECT_EQ(decisions[0].remaining, 8U);
    for (int i = 0; i < 50; ++i) {
        EXPECT_FALSE(limiter.admit(charges, now, decisions));
        EXPECT_TRUE(decisions[0].allowed);
        EXPECT_EQ(decisions[0].remaining, 8U);
        EXPECT_EQ(decisions[0].retry_after_seconds, 0U);
        EXPECT_FALSE(decisions[1].allowed);
        EXPECT_GE(decisions[1].retry_after_seconds, 1U);
    }
    EXPECT_EQ(ask(limiter, loose, client, now).remaining, 7U);
}

TEST(RateLimiter, SaysTheWindowWhereNothingIsCountedYet) {
    RateLimiter limiter;
    const Limit tight(1, 1, minutes(1));
    const Limit untouched(2, 10, hours(1));
    ask(limiter, tight, 1, at(seconds(1)));
    const Charge charges[] = {{&tight, limiter.client(address(1))},
                              {&untouched, limiter.client(address(9))}};
    std::array<LimitDecision, 2> decisions;
    EXPECT_FALSE(limiter.admit(charges, at(seconds(1)), decisions));
    EXPECT_EQ(decisions[1].remaining, 10U);
    EXPECT_EQ(decisions[1].reset_seconds, 3600U);
}

TEST(RateLimiter, TakesTheSameChargeTwiceForOne) {
    RateLimiter limiter;
    const Limit limit(1, 30, minutes(1));
    const auto client = limiter.client(address(1));
    const Charge charges[] = {{&limit, client}, {&limit, client}, {&limit, client}};
    std::array<LimitDecision, 3> decisions;
    for (std::uint32_t i = 0; i < 30; ++i) {
        EXPECT_TRUE(limiter.admit(charges, at(seconds(1)), decisions));
        for (const auto& decision : decisions) EXPECT_EQ(decision.remaining, 29 - i);
    }
    EXPECT_FALSE(limiter.admit(charges, at(seconds(1)), decisions));
    for (const auto& decision : decisions) EXPECT_FALSE(decision.allowed);
}

TEST(RateLimiter, JudgesEightLimitsAtOnceAndRefusesNine) {
    RateLimiter limiter(
        {.memory_max = smallest});  // so few stripes that several charges meet in one
    std::vector<Limit> limits;
    for (std::uint32_t i = 0; i < 9; ++i) limits.emplace_back(i, 10 + i, minutes(1));
    std::vector<Charge> charges;
    for (const auto& limit : limits) charges.push_back({&limit, limiter.client(address(1))});
    std::array<LimitDecision, 9> decisions;
    EXPECT_FALSE(limiter.admit(charges, at(seconds(1)), decisions));
    const auto eight = std::span(charges).first(8);
    EXPECT_FALSE(limiter.admit(eight, at(seconds(1)), std::span(decisions).first(7)));
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(limiter.admit(eight, at(seconds(1)), decisions));
    EXPECT_FALSE(limiter.admit(eight, at(seconds(1)), decisions));
    for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(decisions[i].remaining, i);
    EXPECT_TRUE(limiter.admit({}, at(seconds(1)), {}));
}

TEST(RateLimiter, AdmitsWithinOnePercentOfWhatAPlainListOfTimesWould) {
    for (const std::uint32_t requests : {1U, 10U, 100U, 117U, 1000U, 20'000U}) {
        for (const double demand : {0.9, 1.01, 2.0, 10.0}) {
            SCOPED_TRACE(testing::Message() << requests << " requests, demand " << demand);
            RateLimiter limiter({.memory_max = smallest});
            const nanoseconds window = seconds(60);
            const Limit limit(1, requests, window);
            const auto client = limiter.client(address(1));
            constexpr int windows = 5;
            std::mt19937_64 random(requests);
            std::exponential_distribution<double> pause(requests * demand / 60e9);
            std::deque<SteadyTime> ideal;
            std::int64_t ideally = 0;
            std::int64_t admitted = 0;
            for (auto now = at(seconds(1)); now < at(seconds(1) + window * windows);
                 now += nanoseconds(static_cast<std::int64_t>(pause(random)))) {
                admitted += ask(limiter, limit, client, now).allowed;
                while (!ideal.empty() && ideal.front() + window <= now) ideal.pop_front();
                if (ideal.size() < requests) {
                    ideal.push_back(now);
                    ++ideally;
                }
            }
            EXPECT_GE(admitted, ideally * 99 / 100);
            EXPECT_LE(admitted, std::int64_t{requests} * windows);
        }
    }
}

TEST(RateLimiter, KeepsItsWordAboutWhenToComeBack) {
    std::mt19937_64 random(11);
    RateLimiter limiter;
    for (const std::uint32_t requests : {1U, 5U, 100U, 130U, 2000U}) {
        const Limit limit(requests, requests, seconds(90));
        auto now = at(seconds(1000));
        for (int round = 0; round < 300; ++round) {
            LimitDecision decision;
            do {
                now += milliseconds(random() % 40);
                decision = ask(limiter, limit, 1, now);
            } while (decision.allowed);
            ASSERT_GE(decision.retry_after_seconds, 1U);
            ASSERT_LE(decision.retry_after_seconds, 91U);
            if (decision.retry_after_seconds > 2) {
                ASSERT_FALSE(ask(limiter, limit, 1, now + seconds(decision.retry_after_seconds - 2))
                                 .allowed);
            }
            now += seconds(decision.retry_after_seconds);
            ASSERT_TRUE(ask(limiter, limit, 1, now).allowed);
        }
    }
}

}  // namespace
}  // namespace gh::access
