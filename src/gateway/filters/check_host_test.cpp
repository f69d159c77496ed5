#include "gateway/filters/check_host.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(CheckHost, ServesItsOwnNamesOnly) {
    struct Case {
        std::string_view authority;
        int status;
    };
    constexpr Case cases[] = {
        {"h.example", 0},        {"H.EXAMPLE:8443", 0}, {"h.example.", 0}, {"evil.example", 421},
        {"h.example.evil", 421}, {"xh.example", 421},   {"", 421},         {"localhost", 421},
        {"127.0.0.1", 421},      {"h.example..", 421},  {"[::1]", 421},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.authority);
        FakeHouse house;
        house.client.head.authority = c.authority;
        const auto verdict = CheckHost().on_request(house.begin());
        EXPECT_EQ(verdict, c.status == 0 ? Verdict::walk_on : Verdict::answered);
        EXPECT_EQ(house.exchange.response.status, c.status);
    }
}

TEST(CheckHost, LetsOperatorsOnThisMachineUseItsNames) {
    struct Case {
        std::string_view bind;
        net::Service service;
        std::string_view authority;
        bool passes;
    };
    constexpr Case cases[] = {
        {"127.0.0.1", net::Service::metrics, "localhost:9901", true},
        {"127.0.0.1", net::Service::health, "127.0.0.1:9901", true},
        {"::1", net::Service::health, "[::1]:9901", true},
        {"127.0.0.1", net::Service::metrics, "LocalHost", true},
        {"127.0.0.1", net::Service::metrics, "rebound.example", false},
        {"127.0.0.1", net::Service::metrics, "127.0.0.1.evil.example", false},
        {"127.0.0.1", net::Service::metrics, "127.0.0.2", false},
        {"127.0.0.1", net::Service::gateway, "localhost", false},  // a site, with names of its own
        {"0.0.0.0", net::Service::metrics, "localhost", false},
        {"::", net::Service::metrics, "localhost", false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(c.authority);
        FakeHouse house;
        house.listener().config.bind.host = c.bind;
        house.listener().config.serve = {c.service};
        house.client.head.authority = c.authority;
        EXPECT_EQ(CheckHost().on_request(house.begin()) == Verdict::walk_on, c.passes);
    }
}

}  // namespace
}  // namespace gh::gateway
