#include "gateway/filters/check_body_size.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

using http::Framing;

TEST(CheckBodySize, RefusesWhatSaysThatItIsTooLarge) {
    struct Case {
        Framing kind;
        std::uint64_t length, max;
        bool refused;
    };
    constexpr Case cases[] = {
        {Framing::none, 0, 0, false},
        {Framing::length, 100, 100, false},
        {Framing::length, 101, 100, true},
        {Framing::length, 1, 0, true},
        {Framing::length, std::uint64_t{1} << 62, 100, true},
        {Framing::chunked, 0, 0, false},  // counted as it comes
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.length);
        FakeHouse house;
        house.route().config.request_body_max = c.max;
        house.client.head.body = {c.kind, c.length};
        const auto verdict = CheckBodySize().on_request(house.begin());
        EXPECT_EQ(verdict, c.refused ? Verdict::answered : Verdict::walk_on);
        EXPECT_EQ(house.exchange.response.status, c.refused ? 413 : 0);
        // What was not read would otherwise be taken for the next request.
        EXPECT_EQ(house.client.closes, c.refused);
    }
}

}  // namespace
}  // namespace gh::gateway
