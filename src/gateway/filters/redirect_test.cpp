#include "gateway/filters/redirect.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(Redirect, SendsEveryRequestToTheSameTargetOverTls) {
    struct Case {
        std::uint16_t port;
        std::string_view authority, target, location;
    };
    constexpr Case cases[] = {
        {443, "h.example", "/a?b=c", "https://h.example/a?b=c"},
        {443, "h.example:80", "/", "https://h.example/"},
        {8443, "h.example:8080", "/a", "https://h.example:8443/a"},
        {8443, "[2001:db8::1]:80", "/a", "https://[2001:db8::1]:8443/a"},
        {443, "h.example", "//evil.example/", "https://h.example//evil.example/"},
        {443, "h.example", "*", "https://h.example"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.location);
        FakeHouse house;
        house.listener().redirect_port = c.port;
        house.client.ask("OPTIONS", c.target).head.authority = c.authority;
        EXPECT_EQ(Redirect().on_request(house.begin()), Verdict::answered);
        EXPECT_EQ(house.exchange.response.status, 301);
        EXPECT_EQ(house.answered("Location"), c.location);
        EXPECT_EQ(house.exchange.outcome, outcome::ok);
    }
}

TEST(Redirect, LeavesOtherListenersAlone) {
    FakeHouse house;
    EXPECT_EQ(Redirect().on_request(house.begin()), Verdict::walk_on);
    EXPECT_EQ(house.exchange.response.fields.size(), 0U);
}

}  // namespace
}  // namespace gh::gateway
