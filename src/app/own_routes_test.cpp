#include "app/own_routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/testing.hpp"
#include "codec/json.hpp"

namespace gh::app {
namespace {

using telemetry::Registry;

class OwnRoutesTest : public ::testing::Test {
 protected:
    [[nodiscard]] api::Reply ask(net::Service service, std::string_view path) const {
        const auto routes = own_routes(service, facts_);
        const auto found = std::ranges::find(routes, path, &api::Route::path);
        if (found == routes.end()) return {.status = 404};
        api::Reply reply;
        const http::RequestHead head;
        const access::Principal nobody;
        const auto answer = [](const api::Route& route, const api::Call& call,
                               api::Reply& out) -> Task<> {
            auto task = route.handle(call);
            auto result = co_await std::move(task);
            EXPECT_TRUE(result);
            if (result) out = *std::move(result);
        };
        spawn(answer(*found, {head, path, {}, nobody, "r1"}, reply));
        return reply;
    }

    Registry registry_;
    std::shared_ptr<gateway::proxy::Upstream> upstream_ = make_upstream(
        {.name = "models",
         .endpoints = {{.host = "10.9.8.7", .port = 8000}, {.host = "10.9.8.6", .port = 8000}},
         .circuit_breaker = {.failures = 1}},
        registry_);
    const OwnFacts facts_{registry_, [this] { return std::vector{upstream_}; },
                          std::chrono::system_clock::now(), "sta\"ging", "7"};
};

TEST_F(OwnRoutesTest, AListenerOfTheGatewayHasNone) {
    EXPECT_TRUE(own_routes(net::Service::gateway, facts_).empty());
}

TEST_F(OwnRoutesTest, HealthTellsStrangersNothingOfWhatStandsBehind) {
    for (const auto& route : own_routes(net::Service::health, facts_)) {
        const bool told_to_users = route.path == "/system/info";
        EXPECT_EQ(route.access.kind(),
                  told_to_users ? access::Access::Kind::role : access::Access::Kind::anyone)
            << route.path;
        EXPECT_EQ(route.counted, told_to_users) << route.path;
        EXPECT_FALSE(ask(net::Service::health, route.path).body.contains("10.9.8")) << route.path;
    }
    EXPECT_EQ(ask(net::Service::health, "/health/live").body,
              R"({"status":"alive","service":"api_gateway"})");
}

TEST_F(OwnRoutesTest, ReadinessIsThatOfTheUpstreams) {
    const auto ready = [this] { return ask(net::Service::health, "/health/ready"); };
    EXPECT_EQ(ready().status, 200);
    EXPECT_EQ(ready().body, R"({"service":"api_gateway","status":"ready","checks":)"
                            R"({"upstream:models":{"status":"healthy","circuit":"closed"}}})");

    const auto fail_checks = [this](std::size_t endpoint) {
        for (int i = 0; i < 3; ++i) upstream_->targets()[endpoint]->endpoint->health.check_failed();
    };
    fail_checks(0);
    EXPECT_EQ(ready().status, 200) << "one of two still answers";
    EXPECT_TRUE(ready().body.contains(R"("status":"degraded")")) << ready().body;
    fail_checks(1);
    EXPECT_EQ(ready().status, 503);
    EXPECT_TRUE(ready().body.contains(R"("status":"not_ready")")) << ready().body;
    EXPECT_TRUE(ready().body.contains(R"("status":"unhealthy")")) << ready().body;
}

TEST_F(OwnRoutesTest, AnOpenCircuitIsNotReadyUntilItMayBeTriedAgain) {
    const auto now = std::chrono::steady_clock::now();
    const auto break_at = [this](SteadyTime when) {
        auto pass = upstream_->breaker().try_pass(when);
        ASSERT_TRUE(pass);
        pass->failed(when);
    };
    break_at(now - std::chrono::hours(1));
    auto reply = ask(net::Service::health, "/health/ready");
    EXPECT_EQ(reply.status, 200) << "or no request would ever come to try it";
    EXPECT_TRUE(reply.body.contains(R"("status":"degraded","circuit":"open")")) << reply.body;
    break_at(now);
    reply = ask(net::Service::health, "/health/ready");
    EXPECT_EQ(reply.status, 503);
    EXPECT_TRUE(reply.body.contains(R"("status":"unhealthy","circuit":"open")")) << reply.body;
}

TEST_F(OwnRoutesTest, LabelsOfTheOperatorAreEscaped) {
    const auto reply = ask(net::Service::health, "/system/info");
    const auto parsed = codec::json::parse(reply.body, {});
    ASSERT_TRUE(parsed) << reply.body;
    EXPECT_EQ(*parsed->find_string("environment"), "sta\"ging");
    EXPECT_EQ(*parsed->find_string("release"), "7");
}

TEST_F(OwnRoutesTest, MetricsAreAPageForPrometheus) {
    const auto reply = ask(net::Service::metrics, "/metrics");
    EXPECT_TRUE(reply.content_type.starts_with("text/plain; version=0.0.4"));
    EXPECT_TRUE(reply.body.contains("# TYPE gatehouse_upstream_requests_total counter"))
        << reply.body;
}

}  // namespace
}  // namespace gh::app
