#include "gateway/filters/limit.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

using By = RateLimitConfig::By;

class LimitTest : public testing::Test {
 protected:
    enum class Who { stranger, ada };
    /// A request past both doors. @return 0: walked on
    int ask(std::string_view ip, Who who = Who::stranger) {
        house.again();
        house.from(ip);
        auto& exchange = house.begin();
        auto verdict = by_address.on_request(exchange);
        if (who == Who::ada) exchange.principal = house.authenticator.principal;
        if (verdict == Verdict::walk_on) verdict = by_principal.on_request(exchange);
        by_address.on_response(exchange);
        EXPECT_EQ(verdict == Verdict::answered, exchange.response.status != 0);
        return exchange.response.status;
    }
    FakeHouse house;
    LimitByAddress by_address{house.services};
    LimitByPrincipal by_principal{house.services};
};

TEST_F(LimitTest, LetsSoManyPassAndSaysWhenToComeBack) {
    house.limit(By::client_ip, 2, "client-60s");
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_TRUE(house.answered("RateLimit").starts_with("\"client-60s\";r=1;t=6"));
    EXPECT_EQ(house.answered("Retry-After"), "");
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_EQ(ask("192.0.2.1"), 429);
    EXPECT_EQ(house.answered("RateLimit-Policy"), "\"client-60s\";q=2;w=60");
    EXPECT_TRUE(house.answered("RateLimit").starts_with("\"client-60s\";r=0;"));
    const auto wait = std::stoi(house.answered("Retry-After"));
    EXPECT_GE(wait, 1);
    EXPECT_LE(wait, 61);
    EXPECT_EQ(house.services.count.rate_limited.value(), 1U);
    EXPECT_EQ(ask("192.0.2.2"), 0);  // somebody else
}

TEST_F(LimitTest, CountsAnAddressWhateverItsCredentials) {
    house.limit(By::client_ip, 1, "a");
    EXPECT_EQ(ask("192.0.2.1", Who::stranger), 0);
    EXPECT_EQ(ask("192.0.2.1", Who::ada), 429);
}

TEST_F(LimitTest, CountsASubscribersNetworkOfIpv6AsOne) {
    house.limit(By::client_ip, 1, "a");
    EXPECT_EQ(ask("2001:db8:0:1::1"), 0);
    EXPECT_EQ(ask("2001:db8:0:1:ffff::2"), 429);
    EXPECT_EQ(ask("2001:db8:0:2::1"), 0);
}

TEST_F(LimitTest, CountsAPrincipalWhereverItComesFromAndStrangersByAddress) {
    house.limit(By::principal, 1, "p");
    EXPECT_EQ(ask("192.0.2.1", Who::ada), 0);
    EXPECT_EQ(ask("192.0.2.2", Who::ada), 429);
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_EQ(ask("192.0.2.1"), 429);
    EXPECT_EQ(ask("192.0.2.2"), 0);
}

TEST_F(LimitTest, CountsEverybodyTogetherForARoute) {
    house.limit(By::route, 2, "r");
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_EQ(ask("2001:db8::1", Who::ada), 0);
    EXPECT_EQ(ask("192.0.2.3"), 429);
}

TEST_F(LimitTest, CountsByNoneWhatOneOfThemRefuses) {
    house.limit(By::client_ip, 1, "narrow");
    house.limit(By::route, 3, "wide");
    EXPECT_EQ(ask("192.0.2.1"), 0);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ask("192.0.2.1"), 429);
    EXPECT_EQ(ask("192.0.2.2"), 0);
    EXPECT_EQ(ask("192.0.2.3"), 0);
    EXPECT_EQ(ask("192.0.2.4"), 429);
}

TEST_F(LimitTest, JudgesByAddressBeforeAndByPrincipalAfterAndTellsOfBoth) {
    house.limit(By::principal, 1, "p");
    house.limit(By::client_ip, 3, "c");
    EXPECT_EQ(ask("192.0.2.1", Who::ada), 0);
    EXPECT_EQ(house.answered("RateLimit-Policy"), "\"c\";q=3;w=60, \"p\";q=1;w=60");
    EXPECT_EQ(ask("192.0.2.1", Who::ada), 429);  // by the second door: the first has counted it
    EXPECT_EQ(ask("192.0.2.1", Who::ada), 429);
    EXPECT_EQ(ask("192.0.2.1"), 429);
    EXPECT_EQ(house.answered("RateLimit-Policy"), "\"c\";q=3;w=60");  // it came no further
}

TEST_F(LimitTest, JudgesAsManyLimitsAsARouteMayHave) {
    for (std::size_t i = 0; i < access::RateLimiter::charges_max; ++i)
        house.limit(By::client_ip, static_cast<std::uint32_t>(9 - i), std::to_string(i));
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_EQ(ask("192.0.2.1"), 429);  // by the last one: two
    EXPECT_TRUE(house.answered("RateLimit-Policy").contains("\"7\";q=2;w=60"));
}

TEST_F(LimitTest, SaysNothingWhereNothingIsLimited) {
    EXPECT_EQ(ask("192.0.2.1"), 0);
    EXPECT_EQ(house.exchange.response.fields.size(), 0U);
}

}  // namespace
}  // namespace gh::gateway
