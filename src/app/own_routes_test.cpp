#include "app/own_routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/path_tree.hpp"
#include "api/testing.hpp"
#include "gateway/config.hpp"

namespace gh::app {
namespace {

using access::Access;
using net::Service;

class OwnRoutes : public testing::Test {
 protected:
    [[nodiscard]] std::set<std::string> paths(std::vector<Service> serve) const {
        std::set<std::string> found;
        for (const auto service : serve) {
            for (const auto& route : own_routes(service, facts)) found.insert(route.path);
        }
        return found;
    }
    [[nodiscard]] api::Route route(Service service, std::string_view path) const {
        const auto all = own_routes(service, facts);
        const auto found = std::ranges::find(all, path, &api::Route::path);
        return found == all.end() ? api::Route{} : *found;
    }
    telemetry::Registry registry;
    OwnFacts facts{.registry = registry,
                   .upstreams = [] { return decltype(gateway::Snapshot::upstreams){}; },
                   .started = std::chrono::system_clock::now(),
                   .environment = "test",
                   .release = ""};
};

TEST_F(OwnRoutes, AreThoseThatTheConfigurationIsWarnedOf) {
    for (const auto& serve :
         std::vector<std::vector<Service>>{{Service::gateway},
                                           {Service::health},
                                           {Service::metrics},
                                           {Service::api},
                                           {Service::health, Service::metrics}}) {
        const auto named = gateway::built_in_paths(serve);
        EXPECT_EQ(paths(serve), std::set<std::string>(named.begin(), named.end()));
    }
}

TEST_F(OwnRoutes, CanBeToldApart) {
    for (const auto service : {Service::health, Service::metrics, Service::api}) {
        api::PathTree tree;
        std::set<std::string> seen;
        for (const auto& each : own_routes(service, facts)) {
            EXPECT_TRUE(tree.add(each.path)) << each.path;
            EXPECT_TRUE(seen.insert(each.method + each.path).second) << each.path;
            EXPECT_FALSE(each.summary.empty()) << each.path;
            EXPECT_FALSE(each.answers.empty()) << each.path;
        }
    }
}

TEST_F(OwnRoutes, OfTheRoomsAreServedAndListedWithTheApi) {
    facts.rooms.push_back(
        {.method = "GET",
         .path = "/api/v1/things/{thing}",
         .access = Access::permission(access::Permission::users_read),
         .handle = [](api::Call) -> Task<Result<api::Reply>> { co_return api::no_content(); }});
    EXPECT_TRUE(paths({Service::api}).contains("/api/v1/things/{thing}"));
    EXPECT_FALSE(paths({Service::health, Service::metrics}).contains("/api/v1/things/{thing}"));

    const auto document = route(Service::api, "/api/v1/openapi.json");
    const auto reply = api::FakeCall("GET", document.path).ask(document.handle);
    ASSERT_TRUE(reply);
    const auto listed = codec::json::parse(reply->body);
    ASSERT_TRUE(listed);
    std::set<std::string> found;
    for (const auto& [path, item] : *listed->find("paths")->object()) found.insert(path);
    EXPECT_EQ(found, paths({Service::api}));
}

TEST_F(OwnRoutes, GuardTheMetricsWhereTheyComeWithTheApi) {
    EXPECT_EQ(route(Service::metrics, "/metrics").access.kind(), Access::Kind::anyone);
    const auto guarded = route(Service::api, "/metrics").access;
    EXPECT_EQ(guarded.kind(), Access::Kind::permission);
    EXPECT_EQ(guarded.wanted_permission(), access::Permission::metrics_read);
}

TEST_F(OwnRoutes, SayWhatRunsHere) {
    const auto info = route(Service::api, "/system/info");
    const auto reply = api::FakeCall("GET", "/system/info").ask(info.handle);
    ASSERT_TRUE(reply);
    const auto said = codec::json::parse(reply->body);
    ASSERT_TRUE(said);
    EXPECT_EQ(*said->find_string("service"), "api_gateway");
    EXPECT_EQ(*said->find_string("environment"), "test");
    EXPECT_TRUE(said->find("uptime_seconds")->integer().has_value());
    const auto ready = route(Service::health, "/health/ready");
    EXPECT_EQ(api::FakeCall("GET", "/health/ready").ask(ready.handle)->body,
              R"({"service":"api_gateway","status":"ready","checks":{}})");
}

}  // namespace
}  // namespace gh::app
