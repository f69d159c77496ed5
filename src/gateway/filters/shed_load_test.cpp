#include "gateway/filters/shed_load.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(ShedLoad, AnswersWhatCouldNotBeRead) {
    struct Case {
        std::uint16_t status;
        std::string_view text;
    };
    constexpr Case cases[] = {{400, "malformed"},   {408, "in time"},   {414, "too long"},
                              {417, "expectation"}, {431, "too large"}, {501, "not supported"},
                              {505, "HTTP version"}};
    for (const auto& c : cases) {
        SCOPED_TRACE(c.status);
        FakeHouse house;
        house.client.broken = {c.status, "http.token"};
        EXPECT_EQ(ShedLoad().on_request(house.begin()), Verdict::answered);
        EXPECT_EQ(house.exchange.response.status, c.status);
        EXPECT_TRUE(house.exchange.body.contains(c.text)) << house.exchange.body;
        EXPECT_EQ(house.exchange.code, "http.token");
        EXPECT_EQ(house.exchange.outcome, outcome::client_malformed);
    }
}

TEST(ShedLoad, RefusesWhatIsBeyondTheLimitAndSaysWhenToComeBack) {
    FakeHouse house;
    house.snapshot->limits.connections_max = 3;
    house.worker.exchanges_open = 3;
    EXPECT_EQ(ShedLoad().on_request(house.begin()), Verdict::walk_on);
    house.worker.exchanges_open = 4;
    EXPECT_EQ(ShedLoad().on_request(house.exchange), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 503);
    EXPECT_EQ(house.answered("Retry-After"), "1");
    EXPECT_EQ(house.exchange.outcome, outcome::refused);
}

}  // namespace
}  // namespace gh::gateway
