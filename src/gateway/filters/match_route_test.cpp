#include "gateway/filters/match_route.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

class MatchRouteTest : public testing::Test {
 protected:
    /// @return 0: walked on
    int ask(std::string_view method, std::string_view target) {
        house.again();
        house.client.ask(method, target);
        auto& exchange = house.begin();
        exchange.route = nullptr;
        exchange.path = {};
        const auto verdict = MatchRoute().on_request(exchange);
        EXPECT_EQ(verdict == Verdict::answered, exchange.response.status != 0);
        EXPECT_EQ(verdict == Verdict::walk_on, exchange.route != nullptr);
        return exchange.response.status;
    }
    FakeHouse house;
};

TEST_F(MatchRouteTest, JudgesTheNormalPathAndLeavesTheQueryAsItIs) {
    EXPECT_EQ(ask("GET", "/a/./b/%7e//c?x=%2e%2e/&y"), 0);
    EXPECT_EQ(house.exchange.path, "/a/b/~/c");
    EXPECT_EQ(house.exchange.query, "x=%2e%2e/&y");
    EXPECT_EQ(ask("GET", "/a?"), 0);
    EXPECT_TRUE(house.exchange.has_query);
    EXPECT_EQ(ask("GET", "/a"), 0);
    EXPECT_FALSE(house.exchange.has_query);
}

TEST_F(MatchRouteTest, RefusesWhatCouldBeReadInTwoWays) {
    constexpr std::string_view targets[] = {"/a%2fb", "/%2e%2e%2fb", "/a%00", "/a\\b", "/%zz",
                                            "/a;b",   "/a?b#c",      "*",     "a",     ""};
    for (const auto target : targets) {
        SCOPED_TRACE(target);
        EXPECT_EQ(ask("GET", target), 400);
        EXPECT_EQ(house.exchange.outcome, outcome::client_malformed);
    }
}

TEST_F(MatchRouteTest, LetsAnEncodedSlashPassWhereTheRouteTakesIt) {
    house.listener().routes.clear();
    house.add_route({.path_prefix = "/files/"}).config.allow_encoded_slash = true;
    house.add_route({.path_prefix = "/strict/"});
    EXPECT_EQ(ask("GET", "/files/a%2fb"), 0);
    EXPECT_EQ(house.exchange.path, "/files/a%2Fb");
    EXPECT_EQ(ask("GET", "/strict/a%2fb"), 400);
    EXPECT_EQ(ask("GET", "/nowhere/a%2fb"), 400);
    EXPECT_EQ(ask("GET", "/files/..%2fstrict"), 400);
}

TEST_F(MatchRouteTest, AnswersForTheServerItself) {
    EXPECT_EQ(ask("OPTIONS", "*"), 204);
    EXPECT_EQ(house.answered("Allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    EXPECT_EQ(house.exchange.body, "");
    EXPECT_EQ(house.exchange.outcome, outcome::ok);
    for (const auto method : {"GET", "HEAD", "POST", "PROPFIND"}) EXPECT_EQ(ask(method, "*"), 400);
    EXPECT_EQ(ask("OPTIONS", "**"), 400);
}

TEST_F(MatchRouteTest, PassesNoTraceOn) {
    for (const auto target : {"/", "*"}) {
        EXPECT_EQ(ask("TRACE", target), 405);
        EXPECT_FALSE(house.answered("Allow").contains("TRACE"));
    }
}

TEST_F(MatchRouteTest, SaysWhichMethodsWouldHaveLedSomewhere) {
    house.listener().routes.clear();
    house.add_own("/health", {});
    house.add_own("/health", {}, "PUT");
    house.add_route({.path_prefix = "/", .methods = {"PROPPATCH", "DELETE"}, .host = "h.example"});
    house.add_route({.path_prefix = "/a", .methods = {"DELETE", "PATCH"}});
    house.add_route({.path_prefix = "/", .methods = {"POST"}, .host = "admin.example"});
    house.add_route({.path_prefix = "/", .methods = {"LOCK"}, .headers = {{"X-Staff", "1"}}});
    EXPECT_EQ(ask("POST", "/a"), 405);
    EXPECT_EQ(house.answered("Allow"), "PROPPATCH, DELETE, PATCH");
    EXPECT_EQ(ask("POST", "/b"), 405);
    EXPECT_EQ(house.answered("Allow"), "PROPPATCH, DELETE");
    // What lies behind a path of ours is not told of.
    EXPECT_EQ(ask("DELETE", "/health"), 405);
    EXPECT_EQ(house.answered("Allow"), "GET, PUT");
    house.client.head.authority = "else.example";
    EXPECT_EQ(ask("POST", "/b"), 404);
    EXPECT_EQ(house.answered("Allow"), "");
}

}  // namespace
}  // namespace gh::gateway
