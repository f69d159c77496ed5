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
    std::shared_ptr<gateway::proxy::Upstream> upstream_ = make_upstream(
        {.name = "models",
         .endpoints = {{.host = "10.9.8.7", .port = 8000}, {.host = "10.9.8.6", .port = 8000}},
         .circuit_breaker = {.failures = 1}},
        registry_);
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
                          [this] { return std::vector{upstream_}; },
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

TEST_F(OwnRoutesTest, WithoutItsDatabaseItIsReadyAndSaysWhatWaits) {
    OwnFacts facts{
        registry_, [] { return decltype(facts_.upstreams()){}; }, facts_.started, {}, {}};
    StorageState state{.answers = true};
    facts.storage = [&state] { return state; };
    const auto ready = [&facts] {
        const auto routes = own_routes(net::Service::health, facts);
        const auto found = std::ranges::find(routes, "/health/ready", &api::Route::path);
        return api::FakeCall("GET", "/health/ready").ask(found->handle).value();
    };
    EXPECT_TRUE(ready().body.contains(R"("status":"healthy","backlog":0)")) << ready().body;
    state = {.answers = false, .backlog = 3, .oldest = seconds(61)};
    EXPECT_EQ(ready().status, 200);
    EXPECT_TRUE(
        ready().body.contains(R"("status":"degraded","backlog":3,"backlog_age_seconds":61)"))
        << ready().body;
    state.answers = true;  // it is back, and does not have everything yet
    EXPECT_TRUE(ready().body.contains(R"("status":"degraded")")) << ready().body;
}

TEST_F(OwnRoutesTest, WithoutItsCaItIsReadyAndSaysWhatItServes) {
    using pki::acme_client::ServedState;
    OwnFacts facts{
        registry_, [] { return decltype(facts_.upstreams()){}; }, facts_.started, {}, {}};
    std::optional<ServedState> state;
    facts.acme = [&state] { return state; };
    const auto ready = [&facts] {
        const auto routes = own_routes(net::Service::health, facts);
        const auto found = std::ranges::find(routes, "/health/ready", &api::Route::path);
        return api::FakeCall("GET", "/health/ready").ask(found->handle).value();
    };
    EXPECT_FALSE(ready().body.contains("certificate")) << ready().body;
    struct Case {
        ServedState state;
        std::string_view status, served;
    };
    constexpr Case cases[] = {{ServedState::valid, "healthy", "valid"},
                              {ServedState::cached, "degraded", "cached"},
                              {ServedState::internal, "degraded", "internal"}};
    for (const auto& c : cases) {
        state = c.state;
        EXPECT_EQ(ready().status, 200);
        EXPECT_TRUE(ready().body.contains(R"("certificate":{"status":")" + std::string(c.status) +
                                          R"(","served":")" + std::string(c.served) + "\"}"))
            << ready().body;
    }
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
