#include "app/own_routes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "api/path_tree.hpp"
#include "api/testing.hpp"
#include "app/back_office.hpp"
#include "app/testing.hpp"
#include "base/temporary_directory.hpp"
#include "codec/json.hpp"
#include "gateway/config.hpp"
#include "net/run_task.hpp"
#include "pki/key_store.hpp"

namespace gh::app {
namespace {

using telemetry::Registry;

class OwnRoutesTest : public ::testing::Test {
 protected:
    [[nodiscard]] api::Reply ask(net::Service service, std::string_view path) const {
        const auto routes = own_routes(service, facts_);
        const auto found = std::ranges::find(routes, path, &api::Route::path);
        if (found == routes.end()) return {.status = 404};
        const auto reply = api::FakeCall("GET", path).ask(found->handle);
        EXPECT_TRUE(reply);
        return reply.value_or(api::Reply{});
    }
    [[nodiscard]] static std::set<std::string> paths(const OwnFacts& facts,
                                                     std::vector<net::Service> serve) {
        std::set<std::string> found;
        for (const auto service : serve) {
            for (const auto& route : own_routes(service, facts)) found.insert(route.path);
        }
        return found;
    }

    Registry registry_;
    TemporaryDirectory directory_;
    std::unique_ptr<pki::FileKeyStore> keys_ =
        std::make_unique<pki::FileKeyStore>(*pki::FileKeyStore::open(directory_.path() / "keys"));
    Settings settings_ = [this] {
        Settings settings;
        settings.data_dir = directory_.path();
        return settings;
    }();
    KeptLines said_;
    telemetry::Log log_{said_, telemetry::LogLevel::error};
    pki::InternalCa ca_ =
        *pki::InternalCa::open(*keys_, directory_.path(), std::chrono::system_clock::now());
    std::unique_ptr<BackOffice> office_ = *BackOffice::open(
        settings_, *keys_, std::make_unique<vault::Keyring>(crypto::Secret(std::string(32, 'r'))),
        ca_, registry_, log_);
    const OwnFacts facts_{registry_,
                          [] {
                              CheckState ill{.dependency = Dependency::upstreams,
                                             .status = CheckState::Status::unhealthy,
                                             .required = true,
                                             .why = "10.9.8.7:8000 refuses"};
                              return HealthReport{{{"upstream:models", std::move(ill)}}};
                          },
                          std::chrono::system_clock::now(),
                          "sta\"ging",
                          "7",
                          office_->routes()};
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
    const auto ready = ask(net::Service::health, "/health/ready");
    EXPECT_EQ(ready.status, 503);
    EXPECT_EQ(ready.body, R"({"service":"api_gateway","status":"not_ready","checks":)"
                          R"({"upstream:models":{"status":"unhealthy"}}})");
}

TEST_F(OwnRoutesTest, WhoMayKnowIsToldWhy) {
    const auto routes = own_routes(net::Service::api, facts_);
    const auto found = std::ranges::find(routes, "/api/v1/health", &api::Route::path);
    ASSERT_NE(found, routes.end());
    EXPECT_EQ(found->access.kind(), access::Access::Kind::permission);
    const auto told = ask(net::Service::api, "/api/v1/health");
    EXPECT_EQ(told.status, 200) << "the question was answered";
    EXPECT_TRUE(told.body.contains(R"("status":"not_ready")")) << told.body;
    EXPECT_TRUE(told.body.contains(R"("required":true,"detail":"10.9.8.7:8000 refuses")"))
        << told.body;
}

TEST_F(OwnRoutesTest, LabelsOfTheOperatorAreEscaped) {
    const auto reply = ask(net::Service::health, "/system/info");
    const auto parsed = codec::json::parse(reply.body, {});
    ASSERT_TRUE(parsed) << reply.body;
    EXPECT_EQ(*parsed->find_string("environment"), "sta\"ging");
    EXPECT_EQ(*parsed->find_string("release"), "7");
}

TEST_F(OwnRoutesTest, MetricsAreAPageForPrometheus) {
    const auto routes = own_routes(net::Service::metrics, facts_);
    const api::FakeCall call("GET", "/metrics");
    const auto answered = net::run_to_end(routes.at(0).handle(call.call()));
    ASSERT_TRUE(answered);
    const auto& reply = *answered;
    EXPECT_TRUE(reply.content_type.starts_with("text/plain; version=0.0.4"));
    EXPECT_TRUE(reply.body.contains("# TYPE audit_records_total counter")) << reply.body;
}

TEST_F(OwnRoutesTest, AreThoseThatTheConfigurationIsWarnedOf) {
    using net::Service;
    const std::vector<std::vector<Service>> served = {{Service::gateway},
                                                      {Service::health},
                                                      {Service::metrics},
                                                      {Service::api},
                                                      {Service::health, Service::metrics}};
    for (const auto& serve : served) {
        const auto named = gateway::built_in_paths(serve);
        EXPECT_EQ(paths(facts_, serve), std::set<std::string>(named.begin(), named.end()));
    }
}

TEST_F(OwnRoutesTest, CanBeToldApartAndAreDescribed) {
    using net::Service;
    for (const auto service : {Service::health, Service::metrics, Service::api}) {
        api::PathTree tree;
        std::set<std::string> seen;
        for (const auto& each : own_routes(service, facts_)) {
            EXPECT_TRUE(tree.add(each.path)) << each.path;
            EXPECT_TRUE(seen.insert(each.method + each.path).second) << each.path;
            EXPECT_FALSE(each.summary.empty()) << each.path;
            EXPECT_FALSE(each.answers.empty()) << each.path;
        }
    }
}

TEST_F(OwnRoutesTest, RoomsAreServedAndListedWithTheApi) {
    using net::Service;
    auto facts = facts_;
    facts.rooms.push_back(
        {.method = "GET",
         .path = "/api/v1/things/{thing}",
         .access = access::Access::permission(access::Permission::users_read),
         .handle = [](api::Call) -> Task<Result<api::Reply>> { co_return api::no_content(); }});
    const auto served = own_routes(Service::api, facts);
    EXPECT_TRUE(paths(facts, {Service::api}).contains("/api/v1/things/{thing}"));
    EXPECT_FALSE(
        paths(facts, {Service::health, Service::metrics}).contains("/api/v1/things/{thing}"));
    const auto document = std::ranges::find(served, "/api/v1/openapi.json", &api::Route::path);
    ASSERT_NE(document, served.end());
    const auto reply = api::FakeCall("GET", document->path).ask(document->handle);
    ASSERT_TRUE(reply);
    const auto listed = codec::json::parse(reply->body);
    ASSERT_TRUE(listed);
    std::set<std::string> found;
    for (const auto& [path, item] : *listed->find("paths")->object()) found.insert(path);
    std::set<std::string> described;  // the document has a name, and no word for all that is left
    for (auto path : paths(facts, {Service::api})) {
        if (const auto dots = path.find("...}"); dots != std::string::npos) path.erase(dots, 3);
        described.insert(path);
    }
    EXPECT_EQ(found, described);
}

TEST_F(OwnRoutesTest, MetricsAreGuardedWhereTheyComeWithTheApi) {
    for (const auto service : {net::Service::metrics, net::Service::api}) {
        const auto routes = own_routes(service, facts_);
        const auto found = std::ranges::find(routes, "/metrics", &api::Route::path);
        ASSERT_NE(found, routes.end());
        EXPECT_EQ(found->access.kind(), service == net::Service::api
                                            ? access::Access::Kind::permission
                                            : access::Access::Kind::anyone);
    }
}

}  // namespace
}  // namespace gh::app
