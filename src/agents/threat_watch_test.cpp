#include "agents/threat_watch.hpp"

#include "agents/testing.hpp"
#include "telemetry/log.hpp"

namespace gh::agents {
namespace {

using access::Incident;
using Kind = Incident::Kind;

class ThreatWatchTest : public AgentsTest {
 protected:
    void see(Kind kind, int times) {
        const std::array<std::uint8_t, 4> octets{192, 0, 2, 7};
        for (int i = 0; i < times; ++i) {
            lookout.saw({.kind = kind,
                         .network = access::ClientNetwork::from_v4(octets),
                         .client_ip = "192.0.2.7",
                         .principal = {},
                         .route = "/login",
                         .code = "auth.required"});
        }
    }
    Result<void> run(int second, seconds later = seconds(0)) {
        return run_to_end(watch().run(at(second), std::chrono::steady_clock::now() + later));
    }
    ThreatWatch& watch() {
        if (!watch_) watch_.emplace(*database, lookout, seconds(100), log);
        return *watch_;
    }
    std::int64_t records(std::string_view action) {
        static constexpr storage::Statement count{
            .name = "test.count", .sql = "SELECT count(*) FROM audit_records WHERE action = $1"};
        return run_to_end(database->query(count, action)).value()[0].integer(0);
    }
    std::vector<Threat> all() { return run_to_end(threats().list({})).value(); }

    telemetry::Registry registry;
    Lookout lookout{{.guesses = 3, .probes = 5, .smuggling = 1, .blocks = 4}, registry};
    telemetry::NoLog sink;
    telemetry::Log log{sink, telemetry::LogLevel::info};
    std::optional<ThreatWatch> watch_;
};

INSTANTIATE_TEST_SUITE_P(Engines, ThreatWatchTest, storage::both_engines, storage::engine_name);

TEST_P(ThreatWatchTest, WhatGoesOnIsOneThreatThatCountsUp) {
    see(Kind::guess, 3);
    ASSERT_TRUE(run(10));
    auto found = all();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].agent_id, std::nullopt);
    EXPECT_EQ(found[0].type, "credential.stuffing");
    EXPECT_EQ(found[0].severity, Severity::high);
    EXPECT_EQ(found[0].fingerprint, "192.0.2.7");
    EXPECT_EQ(
        found[0].details,
        R"({"client_ip":"192.0.2.7","requests_in_a_minute":3,"route":"/login","code":"auth.required"})");
    see(Kind::guess, 30);
    ASSERT_TRUE(run(70, Lookout::window));
    found = all();
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].reports, 2);
    EXPECT_EQ(records("threat.detect"), 1);
    see(Kind::guess, 3);
    ASSERT_TRUE(run(300)) << "long after";
    EXPECT_EQ(all().size(), 2U);
}

TEST_P(ThreatWatchTest, AgentsReportsAreNotTheGateways) {
    const auto agent = online("build-7");
    Report report{.agent_id = agent.id,
                  .type = "request.smuggling",
                  .severity = Severity::low,
                  .fingerprint = "192.0.2.7"};
    ASSERT_TRUE(run_to_end(threats().report(report, at(9), seconds(100))));
    see(Kind::smuggling, 1);
    ASSERT_TRUE(run(10));
    EXPECT_EQ(all().size(), 2U);
}

TEST_P(ThreatWatchTest, BlocksAreInTheAuditLog) {
    see(Kind::block, 1);
    ASSERT_TRUE(run(10));
    EXPECT_EQ(records("rate.limit"), 1);
    EXPECT_TRUE(all().empty());
    see(Kind::block, 50);
    ASSERT_TRUE(run(11));
    see(Kind::block, 500);
    ASSERT_TRUE(run(12));
    EXPECT_EQ(records("rate.limit"), 2) << "a flood is sampled";
    ASSERT_TRUE(run(70, Lookout::window));
    EXPECT_EQ(records("rate.limit"), 3);
    ASSERT_EQ(all().size(), 1U);
    EXPECT_EQ(all()[0].type, "limit.flood");
}

TEST_P(ThreatWatchTest, WhatCouldNotBeWrittenIsWrittenLater) {
    see(Kind::smuggling, 2);
    storage::Sometimes sometimes(*database);
    ThreatWatch watch(sometimes, lookout, seconds(100), log);
    const auto now = std::chrono::steady_clock::now();
    sometimes.away = true;
    EXPECT_EQ(reason(run_to_end(watch.run(at(10), now))), "storage.connection");
    sometimes.away = false;
    ASSERT_TRUE(run_to_end(watch.run(at(11), now)));
    EXPECT_EQ(all().size(), 1U);
}

}  // namespace
}  // namespace gh::agents
