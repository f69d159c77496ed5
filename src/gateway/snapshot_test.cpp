#include "gateway/snapshot.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

TEST(HostOf, LeavesThePortAway) {
    struct Case {
        std::string_view authority, host;
    };
    constexpr Case cases[] = {
        {"h", "h"}, {"h:1", "h"}, {"[::1]", "[::1]"}, {"[::1]:80", "[::1]"}, {"", ""},
    };
    for (const auto& c : cases) EXPECT_EQ(host_of(c.authority), c.host);
}

TEST(Snapshot, AllowsItsHostsAndNoOther) {
    FakeHouse house;
    house.snapshot->allowed_hosts = {"h.example", "[::1]"};
    house.snapshot->allowed_host_suffixes = {".w.example"};
    struct Case {
        std::string_view authority;
        bool allowed;
    };
    constexpr Case cases[] = {
        {"h.example", true},       {"H.Example:8443", true}, {"h.example.", true},
        {"[::1]:80", true},        {"a.w.example", true},    {"A.W.example:1", true},
        {"w.example", false},      {".w.example", false},    {"a.b.w.example", false},
        {"xh.example", false},     {"h.example..", false},   {"", false},
        {"h.example.evil", false}, {"[::2]", false},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(house.snapshot->is_allowed_host(c.authority), c.allowed) << c.authority;
    }
}

TEST(Snapshot, HasAPlanThatServesNothingForAListenerThatIsGone) {
    FakeHouse house;
    EXPECT_EQ(house.snapshot->listener("public").routes.size(), 1U);
    EXPECT_EQ(house.snapshot->listener("removed").routes.size(), 0U);
}

class RouteChoice : public testing::Test {
 protected:
    std::string chosen() {
        const auto& head = house.client.head;
        const auto* route = match_route(house.listener(), head, head.target);
        return route ? route->config.name : "";
    }
    FakeHouse house;
};

TEST_F(RouteChoice, TakesTheFirstThatMatchesInEveryRespect) {
    house.listener().routes.clear();
    house.add_route({.path = "/exact"});
    house.add_route({.path_prefix = "/admin/", .host = "admin.example"});
    house.add_route({.path_prefix = "/tenant/", .host = "*.t.example"});
    house.add_route({.path_prefix = "/h/", .headers = {{"X-Version", "2"}}});
    house.add_route({.path_prefix = "/read/", .methods = {"GET", "PROPFIND"}});
    struct Case {
        std::string_view method, host, path, header, route;
    };
    constexpr Case cases[] = {
        {"GET", "any", "/exact", "", "/exact"},
        {"GET", "any", "/exact/", "", ""},
        {"GET", "any", "/Exact", "", ""},
        {"GET", "admin.example", "/admin/a", "", "/admin/"},
        {"GET", "Admin.Example:8443", "/admin/a", "", "/admin/"},
        {"GET", "admin.example.", "/admin/a", "", "/admin/"},  // the upstream takes it for the same
        {"GET", "other.example", "/admin/a", "", ""},
        {"GET", "a.t.example", "/tenant/a", "", "/tenant/"},
        {"GET", "a.b.t.example", "/tenant/a", "", ""},
        {"GET", "t.example", "/tenant/a", "", ""},
        {"GET", "any", "/h/a", "2", "/h/"},
        {"GET", "any", "/h/a", "3", ""},
        {"GET", "any", "/h/a", "", ""},
        {"GET", "any", "/read/a", "", "/read/"},
        {"PROPFIND", "any", "/read/a", "", "/read/"},
        {"PROPPATCH", "any", "/read/a", "", ""},  // no method of ours either, but not the one named
        {"POST", "any", "/read/a", "", ""},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.method) + " " + std::string(c.host) + std::string(c.path));
        house.client.ask(c.method, c.path);
        house.client.head.authority = c.host;
        house.client.head.fields.clear();
        if (!c.header.empty()) house.client.with("x-version", c.header);
        EXPECT_EQ(chosen(), c.route);
    }
}

TEST_F(RouteChoice, LetsAPreflightTakeTheRouteOfWhatItAsksForWhereItIsAnswered) {
    house.listener().routes.clear();
    house.add_route({.path_prefix = "/cors/", .methods = {"PUT"}}).config.cors = CorsConfig{};
    house.add_route({.path_prefix = "/plain/", .methods = {"PUT"}});
    house.add_route({.path_prefix = "/options/", .methods = {"PUT", "OPTIONS"}});
    house.add_route({.path_prefix = "/any/"});
    struct Case {
        std::string_view path, meant, route;
    };
    constexpr Case cases[] = {
        {"/cors/a", "PUT", "/cors/"}, {"/cors/a", "GET", ""},
        {"/cors/a", "", ""},          {"/plain/a", "PUT", ""},  // the upstream must not see OPTIONS
        {"/plain/a", "", ""},         {"/options/a", "PUT", "/options/"},
        {"/any/a", "PUT", "/any/"},   {"/any/a", "", "/any/"},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.path) + " " + std::string(c.meant));
        house.client.ask("OPTIONS", c.path);
        house.client.head.fields.clear();
        house.client.with("Origin", "https://a.example");
        if (!c.meant.empty()) house.client.with("Access-Control-Request-Method", c.meant);
        EXPECT_EQ(chosen(), c.route);
    }
}

TEST_F(RouteChoice, KeepsAPathOfOursFromEveryRouteBehindIt) {
    house.add_own("/health", {}).config.name = "own";
    house.add_own("/users/{user}", {});
    house.client.ask("GET", "/health");
    EXPECT_EQ(chosen(), "own");
    house.client.ask("GET", "/users/ada");
    EXPECT_EQ(chosen(), "/users/{user}");
    house.client.ask("GET", "/users/ada/keys");
    EXPECT_EQ(chosen(), "/");
    house.client.ask("POST", "/health");
    EXPECT_EQ(chosen(), "");
    house.client.ask("POST", "/healthy");
    EXPECT_EQ(chosen(), "/");
}

}  // namespace
}  // namespace gh::gateway
