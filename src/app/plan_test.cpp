#include "app/plan.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <tuple>

#include "app/testing.hpp"
#include "base/temporary_directory.hpp"

namespace gh::app {
namespace {

using gateway::Snapshot;
using SnapshotPtr = std::shared_ptr<const Snapshot>;

const std::string backend =
    "upstreams: [{name: b, endpoints: [\"http://127.0.0.1:8000\"], timeouts: {response: 7s}}]\n";

class PlanTest : public ::testing::Test {
 protected:
    Result<SnapshotPtr> plan(const std::string& yaml, const Snapshot* previous = nullptr) {
        return make_plan(settings_of(yaml, home_.path()), parts_, previous, now_);
    }
    SnapshotPtr good(const std::string& yaml, const Snapshot* previous = nullptr) {
        auto made = plan(yaml, previous);
        EXPECT_TRUE(made) << describe(made.error());
        return made ? *std::move(made) : std::make_shared<const Snapshot>();
    }
    /// What `path` of ours wants on this listener.
    static access::Access::Kind own(const gateway::ListenerPlan& listener, std::string_view path) {
        const auto found = std::ranges::find_if(
            listener.own, [path](const auto& route) { return route->config.match.path == path; });
        return found == listener.own.end() ? access::Access::Kind::nobody : (*found)->access.kind();
    }

    const SystemTime now_ = std::chrono::system_clock::now();
    const TemporaryDirectory home_;
    telemetry::Registry registry_;
    telemetry::HttpMetrics http_metrics_{registry_};
    TlsMaterial tls_ = open_tls(home_.path(), now_).value();
    const OwnFacts own_{registry_, {}, now_, {}, {}};
    PlanParts parts_{tls_, http_metrics_, make_upstream_metrics(registry_), own_, 2};
};

TEST_F(PlanTest, ARouteAdmitsWhomItNamesAndNobodyElse) {
    const auto snapshot =
        good(backend +
             "routes:\n"
             "  - {match: {path: /p}, upstream: b, access: public}\n"
             "  - {match: {path: /a}, upstream: b, access: authenticated}\n"
             "  - {match: {path: /r}, upstream: b, access: {role: manager}}\n"
             "  - {match: {path: /s}, upstream: b, access: {scopes: [x, y]}}\n"
             "  - {match: {path: /c}, upstream: b, access: {client_certificate: true}}\n"
             "  - {match: {path: /g}, upstream: b, access: {agent: true}}\n");
    using Kind = access::Access::Kind;
    const Kind wanted[] = {Kind::anyone, Kind::authenticated,      Kind::role,
                           Kind::scopes, Kind::client_certificate, Kind::agent};
    ASSERT_EQ(snapshot->routes.size(), std::size(wanted));
    for (std::size_t i = 0; i < std::size(wanted); ++i) {
        EXPECT_EQ(snapshot->routes[i]->access.kind(), wanted[i]) << i;
        EXPECT_EQ(snapshot->routes[i]->anyone, i == 0) << i;
    }
    EXPECT_EQ(snapshot->routes[2]->access.role_name(), "manager");
    EXPECT_EQ(snapshot->routes[3]->access.scope_names().size(), 2U);

    Settings unsaid = settings_of(backend, home_.path());
    unsaid.routes.push_back({.name = "forgotten", .match = {.path = "/"}, .upstream = "b"});
    const auto made = make_plan(unsaid, parts_, nullptr, now_);
    ASSERT_TRUE(made);
    EXPECT_EQ((*made)->routes[0]->access.kind(), Kind::nobody);
}

TEST_F(PlanTest, OurOwnPathsWantNoCredentialsOnLoopbackOnly) {
    const auto snapshot = good(
        "listeners:\n"
        "  - {name: inside, bind: 127.0.0.1:0, serve: [health, metrics]}\n"
        "  - {name: outside, bind: \"[::]:0\", tls: {}, serve: [health, metrics]}\n");
    using Kind = access::Access::Kind;
    const auto& [inside, outside] = std::tie(snapshot->listeners[0], snapshot->listeners[1]);
    EXPECT_EQ(own(inside, "/system/info"), Kind::anyone);
    EXPECT_EQ(own(outside, "/system/info"), Kind::role);
    EXPECT_EQ(own(outside, "/health/ready"), Kind::anyone);
    for (const auto& route : outside.own) {
        const auto bits = (1U << static_cast<unsigned>(http::Method::get)) |
                          (1U << static_cast<unsigned>(http::Method::head));
        EXPECT_EQ(route->methods, bits) << route->config.name;
        EXPECT_EQ(route->metrics != nullptr, route->config.name == "/system/info");
    }
}

TEST_F(PlanTest, TheControlPlaneWantsCredentialsOnLoopbackToo) {
    const auto snapshot = good(
        "listeners:\n"
        "  - {name: api, bind: 127.0.0.1:0, serve: [api]}\n"
        "  - {name: all, bind: 127.0.0.1:0, serve: [api, metrics, health]}\n");
    using Kind = access::Access::Kind;
    const auto& [api, all] = std::tie(snapshot->listeners[0], snapshot->listeners[1]);
    EXPECT_EQ(own(api, "/system/info"), Kind::role);
    EXPECT_EQ(own(api, "/metrics"), Kind::permission);
    EXPECT_EQ(own(api, "/api/v1/openapi.json"), Kind::anyone);
    EXPECT_EQ(own(all, "/system/info"), Kind::anyone);  // health and metrics were asked for
    EXPECT_EQ(own(all, "/metrics"), Kind::anyone);
    EXPECT_EQ(std::ranges::distance(all.own.begin(), all.own.end()),
              std::ranges::distance(api.own.begin(), api.own.end()));
}

TEST_F(PlanTest, AnUpstreamThatStaysTheSameKeepsWhatItLearned) {
    const std::string other = "  - {name: c, endpoints: [\"http://127.0.0.1:8001\"]}\n";
    const std::string one = "upstreams:\n  - {name: b, endpoints: [\"http://127.0.0.1:8000\"]}\n";
    const std::string changed =
        "upstreams:\n  - {name: b, endpoints: [\"http://127.0.0.1:8000\"], pending_max: 7}\n";
    const auto before = good(one + other);
    const auto after = good(changed + other, before.get());
    ASSERT_EQ(after->upstreams.size(), 2U);
    EXPECT_NE(after->upstreams[0], before->upstreams[0]);
    EXPECT_EQ(after->upstreams[0]->config().pending_max, 7U);
    EXPECT_EQ(after->upstreams[1], before->upstreams[1]);
}

TEST_F(PlanTest, ARouteLaysItsTimeoutsOverThoseOfItsUpstream) {
    const auto snapshot = good(
        backend +
        "routes:\n"
        "  - {match: {path: /a}, upstream: b, access: public, timeouts: {idle: 9s, total: 1m}}\n"
        "  - {match: {path: /b}, upstream: b, access: public}\n");
    const auto& own = snapshot->routes[0]->timeouts;
    EXPECT_EQ(own.response, std::chrono::seconds(7));
    EXPECT_EQ(own.idle, std::chrono::seconds(9));
    EXPECT_EQ(own.total, std::chrono::minutes(1));
    EXPECT_EQ(own.connect, gateway::TimeoutsConfig{}.connect);
    EXPECT_FALSE(snapshot->routes[1]->timeouts.total);
}

TEST_F(PlanTest, LimitsAreNamedForClients) {
    const auto snapshot = good(
        backend +
        "routes:\n"
        "  - match: {path: /}\n"
        "    upstream: b\n"
        "    access: public\n"
        "    rate_limit: [{requests: 5, per: 1m, by: client_ip}, {requests: 6, per: 1500ms, by: "
        "route}]\n");
    const auto& limits = snapshot->routes[0]->limits;
    ASSERT_EQ(limits.size(), 2U);
    EXPECT_EQ(limits[0].name, "client-60s");
    EXPECT_EQ(limits[0].limit.requests(), 5U);
    EXPECT_EQ(limits[1].name, "route-1500ms");
}

TEST_F(PlanTest, ServesTheHostsThatWereNamedAndNoOthers) {
    const auto snapshot =
        good("allowed_hosts: [API.Example, \"*.wild.example\", \"[2001:db8::1]\"]\n");
    for (const auto* host :
         {"api.example", "Api.Example:8443", "a.wild.example", "[2001:db8::1]:1"})
        EXPECT_TRUE(snapshot->is_allowed_host(host)) << host;
    for (const auto* host : {"localhost", "127.0.0.1", "example", "wild.example",
                             "a.b.wild.example", "api.example.evil", "2001:db8::2", ""}) {
        EXPECT_FALSE(snapshot->is_allowed_host(host)) << host;
    }
}

TEST_F(PlanTest, WithoutThemTheNamesOfCertificatesAndBoundAddressesAreOurs) {
    const auto chain =
        pki::Authority::create({}, now_)->issue({.names = {.dns = {"cert.example"}}}, now_).value();
    std::ofstream(home_.path() / "c.pem") << chain.chain_pem << chain.key_pem;
    const auto snapshot = good(
        "listeners:\n"
        "  - {name: p, bind: 192.0.2.7:0, tls: {certificate: {cert_file: c.pem, key_file: c.pem}}"
        ", serve: [gateway]}\n");
    for (const auto* host : {"localhost", "127.0.0.1", "[::1]", "192.0.2.7", "cert.example"})
        EXPECT_TRUE(snapshot->is_allowed_host(host)) << host;
    EXPECT_FALSE(snapshot->is_allowed_host("evil.example"));
}

const std::string with_a_ca =
    "pki: {acme_client: {domains: [a.public.example, a.corp.example]}}\n"
    "listeners:\n"
    "  - {name: public, bind: \"127.0.0.1:0\", tls: {certificate: acme}, serve: [gateway]}\n";

TEST_F(PlanTest, ACertificateThatStandsInSpeaksForWhatTheInternalCaMaySign) {
    ASSERT_TRUE(
        tls_.ca().renew({.constraints = pki::NameConstraints{.dns = {"corp.example"}}}, now_));
    const auto snapshot = good(with_a_ca);
    ASSERT_EQ(snapshot->listeners.size(), 1U);
    EXPECT_EQ(snapshot->listeners[0].tls->names(), std::vector<std::string>{"a.corp.example"});
}

TEST_F(PlanTest, CertificatesOfTheInternalCaAreOneOnAllListeners) {
    const auto snapshot =
        good(with_a_ca + "  - {name: admin, bind: \"127.0.0.1:0\", tls: {}, serve: [health]}\n");
    ASSERT_EQ(snapshot->listeners.size(), 2U);
    const auto& names = snapshot->listeners[0].tls->names();
    EXPECT_TRUE(std::ranges::find(names, "a.public.example") != names.end());
    EXPECT_EQ(snapshot->listeners[1].tls->names(), names);
    ASSERT_TRUE(tls_.internal_leaf());
    EXPECT_EQ(tls_.internal_leaf()->names.dns.size() + tls_.internal_leaf()->names.addresses.size(),
              names.size());
    (void)good("listeners:\n  - {name: plain, bind: \"127.0.0.1:0\", serve: [gateway]}\n");
    EXPECT_FALSE(tls_.internal_leaf()) << "nobody serves it";
}

TEST(DefaultHosts, LeaveOutANameOfTheMachineThatNoCertificateCanCarry) {
    bool renamed = true;
    std::thread elsewhere([&renamed] {  // the namespace is this thread's alone
        const auto hosts_when_called = [&renamed](const std::string& name) {
            renamed = renamed && ::sethostname(name.data(), name.size()) == 0;
            return default_hosts({});
        };
        renamed = ::unshare(CLONE_NEWUTS) == 0;
        if (!renamed) return;
        const std::vector<std::string> always = {"localhost", "127.0.0.1", "::1"};
        EXPECT_EQ(hosts_when_called("42"), always);
        EXPECT_EQ(hosts_when_called("a b"), always);
        EXPECT_EQ(hosts_when_called(std::string(64, 'a')), always) << "a label has 63 bytes";
        EXPECT_EQ(hosts_when_called("Box_1").back(), "Box_1");
    });
    elsewhere.join();
    if (!renamed) GTEST_SKIP() << "wants the right to make a namespace";
}

TEST_F(PlanTest, ARedirectKnowsThePortItLeadsTo) {
    const auto snapshot = good(
        "listeners:\n"
        "  - {name: plain, bind: 127.0.0.1:8080, redirect_to: secure}\n"
        "  - {name: secure, bind: 127.0.0.1:8443, tls: {}, serve: [gateway]}\n");
    EXPECT_EQ(snapshot->listener("plain").redirect_port, 8443);
    EXPECT_EQ(snapshot->listener("plain").hsts, "");
    EXPECT_TRUE(snapshot->listener("secure").hsts.starts_with("max-age="));
    EXPECT_EQ(snapshot->listener("secure").redirect_port, 0);
}

TEST_F(PlanTest, ARouteIsReachedOnTheListenerItNames) {
    const auto snapshot = good(
        "listeners:\n"
        "  - {name: one, bind: 127.0.0.1:0, serve: [gateway]}\n"
        "  - {name: two, bind: 127.0.0.1:0, serve: [gateway]}\n"
        "  - {name: admin, bind: 127.0.0.1:0, serve: [health]}\n" +
        backend +
        "routes:\n"
        "  - {match: {path: /a, listener: two}, upstream: b, access: public}\n"
        "  - {match: {path: /b}, upstream: b, access: public}\n");
    EXPECT_EQ(snapshot->listener("one").routes.size(), 1U);
    EXPECT_EQ(snapshot->listener("two").routes.size(), 2U);
    EXPECT_TRUE(snapshot->listener("admin").routes.empty());
}

TEST_F(PlanTest, IsRefusedWholeWhenAFileIsMissing) {
    const auto certificate = plan(
        "listeners:\n"
        "  - {name: p, bind: 127.0.0.1:0, tls: {certificate: {cert_file: no.pem, key_file: "
        "no.pem}}, "
        "serve: [gateway]}\n");
    ASSERT_FALSE(certificate);
    EXPECT_TRUE(certificate.error().detail.contains("no.pem")) << certificate.error().detail;
    const auto authority = plan(
        "upstreams: [{name: b, endpoints: [\"https://127.0.0.1:1\"], tls: {ca_file: none.pem}}]\n");
    ASSERT_FALSE(authority);
    EXPECT_TRUE(authority.error().detail.contains("none.pem")) << authority.error().detail;
}

}  // namespace
}  // namespace gh::app
