#include "agents/lookout.hpp"

#include <gtest/gtest.h>

namespace gh::agents {
namespace {

using access::Incident;
using Kind = Incident::Kind;

class LookoutTest : public testing::Test {
 protected:
    void see(Kind kind, int times = 1, std::uint8_t host = 7) {
        const std::array<std::uint8_t, 4> octets{192, 0, 2, host};
        const std::string client_ip = "192.0.2." + std::to_string(host);
        for (int i = 0; i < times; ++i) {
            lookout.saw({.kind = kind,
                         .network = access::ClientNetwork::from_v4(octets),
                         .client_ip = client_ip,
                         .principal = "ada",
                         .route = "/a",
                         .code = "code"});
        }
    }
    std::vector<Sighting> take(seconds later = seconds(0)) {
        return lookout.take(std::chrono::steady_clock::now() + later);
    }
    telemetry::Registry registry;
    Lookout lookout{{.guesses = 3, .probes = 5, .smuggling = 1, .blocks = 4}, registry};
};

TEST_F(LookoutTest, FewAreNoThreat) {
    see(Kind::guess, 2);
    see(Kind::probe, 4);
    EXPECT_TRUE(take().empty());
    EXPECT_TRUE(take(Lookout::window).empty());
    see(Kind::guess, 2);  // another minute
    EXPECT_TRUE(take().empty());
}

TEST_F(LookoutTest, ManyAreToldOnceAndTheRestAtTheEndOfTheMinute) {
    see(Kind::guess, 3);
    auto told = take();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].kind, Kind::guess);
    EXPECT_TRUE(told[0].is_threat);
    EXPECT_EQ(told[0].count, 3U);
    EXPECT_EQ(told[0].client_ip, "192.0.2.7");
    EXPECT_EQ(told[0].principal, "ada");
    EXPECT_EQ(told[0].route, "/a");
    see(Kind::guess, 9);
    EXPECT_TRUE(take().empty());
    told = take(Lookout::window);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].count, 9U);
    EXPECT_EQ(told[0].in_window, 12U);
    EXPECT_TRUE(take(Lookout::window).empty());
}

TEST_F(LookoutTest, KindsAndNetworksAreApart) {
    see(Kind::guess, 2, 7);
    see(Kind::guess, 2, 8);
    see(Kind::probe, 2, 7);
    EXPECT_TRUE(take().empty());
    see(Kind::smuggling, 1, 9);
    const auto told = take();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].client_ip, "192.0.2.9");
}

TEST_F(LookoutTest, ABlockIsToldAtOnceAndAFloodOfThemAgain) {
    see(Kind::block);
    auto told = take();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_FALSE(told[0].is_threat);
    see(Kind::block);
    EXPECT_TRUE(take().empty());
    see(Kind::block, 2);  // the fourth
    told = take();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_TRUE(told[0].is_threat);
    EXPECT_EQ(told[0].count, 3U);
    see(Kind::block, 5);
    EXPECT_TRUE(take().empty());
    told = take(Lookout::window);
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told[0].count, 5U);
}

TEST_F(LookoutTest, WhatIsOffIsNeverAThreat) {
    Lookout off({.guesses = 0, .probes = 0, .smuggling = 0, .blocks = 0}, registry);
    for (const auto kind : Incident::kinds) {
        for (int i = 0; i < 1'000; ++i)
            off.saw({.kind = kind,
                     .network = {},
                     .client_ip = {},
                     .principal = {},
                     .route = {},
                     .code = {}});
    }
    const auto told = off.take(std::chrono::steady_clock::now());
    ASSERT_EQ(told.size(), 1U);  // the audit log hears of blocks all the same
    EXPECT_EQ(told[0].kind, Kind::block);
    EXPECT_FALSE(told[0].is_threat);
}

TEST_F(LookoutTest, ItsMemoryIsBoundedAndNothingIsToldTwice) {
    const std::string long_text(10'000, 'x');
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        const std::array<std::uint8_t, 4> octets{
            static_cast<std::uint8_t>(i >> 24), static_cast<std::uint8_t>(i >> 16),
            static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
        lookout.saw({.kind = Kind::smuggling,
                     .network = access::ClientNetwork::from_v4(octets),
                     .client_ip = "192.0.2.7",
                     .principal = {},
                     .route = long_text,
                     .code = {}});
    }
    std::size_t told = 0, rounds = 0;
    for (; rounds < 1'000; ++rounds) {
        const auto some = take();
        if (some.empty()) break;
        EXPECT_LE(some.size(), Lookout::told_max);
        EXPECT_LT(some[0].route.size(), 200U);
        told += some.size();
    }
    EXPECT_LE(told, Lookout::networks_max);
    EXPECT_GT(told, Lookout::networks_max / 2);
    while (!take(Lookout::window).empty()) {
    }
    see(Kind::smuggling);
    EXPECT_EQ(take().size(), 1U) << "there is room again";
}

}  // namespace
}  // namespace gh::agents
