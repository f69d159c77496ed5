#include "gateway/filters/cors.hpp"

#include <gtest/gtest.h>

#include "gateway/testing.hpp"

namespace gh::gateway {
namespace {

constexpr std::string_view page = "https://app.example";

class CorsTest : public testing::Test {
 protected:
    CorsTest() {
        auto& cors = house.route().config.cors.emplace();
        cors.origins = {std::string(page), "https://other.example:8443"};
        cors.credentials = true;
    }
    CorsConfig& cors() { return *house.route().config.cors; }
    Verdict preflight(std::string_view origin, std::string_view method) {
        house.again();
        house.client.ask("OPTIONS", "/").with("Origin", origin);
        house.client.with("Access-Control-Request-Method", method);
        const auto verdict = filter.on_request(house.begin());
        filter.on_response(house.exchange);
        return verdict;
    }
    /// An upstream's answer to a page.
    void answer(std::string_view origin) {
        house.again();
        house.client.ask("GET", "/");
        if (!origin.empty()) house.client.with("Origin", origin);
        auto& exchange = house.begin();
        EXPECT_EQ(filter.on_request(exchange), Verdict::walk_on);
        exchange.upstream_name = "backend";
        exchange.response.fields.add("Access-Control-Allow-Origin", "*");
        exchange.response.fields.add("ACCESS-CONTROL-ALLOW-CREDENTIALS", "true");
        exchange.response.fields.add("Access-Control-Expose-Headers", "Set-Cookie");
        filter.on_response(exchange);
    }
    FakeHouse house;
    Cors filter;
};

TEST_F(CorsTest, AnswersThePreflightsOfItsOrigins) {
    EXPECT_EQ(preflight(page, "PUT"), Verdict::answered);
    EXPECT_EQ(house.exchange.response.status, 204);
    EXPECT_EQ(house.exchange.outcome, outcome::ok);
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), page);
    EXPECT_EQ(house.answered("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(house.answered("Access-Control-Allow-Methods"),
              "GET, HEAD, POST, PUT, PATCH, DELETE");
    EXPECT_EQ(house.answered("Access-Control-Max-Age"), "600");
    EXPECT_EQ(house.answered("Vary"), "Origin");
}

TEST_F(CorsTest, AllowsNothingToAnOriginOrMethodThatIsNotListed) {
    struct Case {
        std::string_view origin, method;
        bool readable;
    };
    constexpr Case cases[] = {
        {"https://evil.example", "GET", false},
        {"https://app.example.evil", "GET", false},
        {"https://app.example:443", "GET", false},
        {"http://app.example", "GET", false},
        {"HTTPS://APP.EXAMPLE", "GET", false},
        {"null", "GET", false},
        {"*", "GET", false},
        {"https://app.example, https://evil.example", "GET", false},
        {page, "TRACE", true},
        {page, "get", true},
        {page, "", true},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(std::string(c.origin) + " " + std::string(c.method));
        EXPECT_EQ(preflight(c.origin, c.method), Verdict::answered);
        EXPECT_EQ(house.exchange.response.status, 403);
        EXPECT_EQ(house.answered("Access-Control-Allow-Methods"), "");
        EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), c.readable ? c.origin : "");
        EXPECT_EQ(house.answered("Vary"), "Origin");
    }
}

TEST_F(CorsTest, LeavesToTheUpstreamWhatIsNoPreflight) {
    struct Case {
        std::string_view method, name;
    };
    constexpr Case cases[] = {
        {"OPTIONS", "Origin"}, {"OPTIONS", "Access-Control-Request-Method"}, {"POST", "Origin"}};
    for (const auto& c : cases) {
        house.again();
        house.client.ask(c.method, "/").with(c.name, "GET");
        EXPECT_EQ(filter.on_request(house.begin()), Verdict::walk_on) << c.method << c.name;
    }
}

TEST_F(CorsTest, SaysItselfWhoMayReadAnAnswer) {
    answer(page);
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), page);
    EXPECT_EQ(house.answered("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(house.answered("Access-Control-Expose-Headers"),
              "X-Request-ID, X-Correlation-ID, Retry-After");
    answer("https://evil.example");
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(house.answered("Access-Control-Allow-Credentials"), "");
    EXPECT_EQ(house.answered("Vary"), "Origin");
    answer("");
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), "");
    EXPECT_EQ(house.answered("Vary"), "Origin");  // a cache must not keep this one for the page
}

TEST_F(CorsTest, LetsAPageReadOurRefusals) {
    house.client.with("Origin", page);
    auto& exchange = house.begin();
    exchange.refuse(429, "rate.limited", "x");
    filter.on_response(exchange);
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), page);
    EXPECT_TRUE(house.answered("Access-Control-Expose-Headers").contains("Retry-After"));
}

TEST_F(CorsTest, SaysAnyOriginAsSuch) {
    cors() = CorsConfig{.any_origin = true};
    answer("https://whoever.example");
    EXPECT_EQ(house.answered("Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(house.answered("Access-Control-Allow-Credentials"), "");
    EXPECT_EQ(house.answered("Vary"), "");
}

TEST_F(CorsTest, IsSilentWhereTheRouteIsOrThereIsNone) {
    house.route().config.cors.reset();
    EXPECT_EQ(preflight(page, "GET"), Verdict::walk_on);
    EXPECT_EQ(house.exchange.response.fields.size(), 0U);
    house.exchange.route = nullptr;
    filter.on_response(house.exchange);
    EXPECT_EQ(house.exchange.response.fields.size(), 0U);
}

}  // namespace
}  // namespace gh::gateway
