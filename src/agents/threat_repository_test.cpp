#include "agents/threat_repository.hpp"

#include "agents/testing.hpp"
#include "base/try.hpp"

namespace gh::agents {
namespace {

class ThreatRepositoryTest : public AgentsTest {
 protected:
    Reported report(const std::string& agent_id, Severity severity, int second,
                    std::string fingerprint = "", std::string type = "port.scan") {
        Report seen{.agent_id = agent_id,
                    .type = std::move(type),
                    .severity = severity,
                    .fingerprint = std::move(fingerprint),
                    .details = R"({"port":22})"};
        return run_to_end(threats().report(std::move(seen), at(second), seconds(100))).value();
    }
    std::vector<int> times(ThreatPage page) {
        std::vector<int> found;
        const auto listed = run_to_end(threats().list(std::move(page))).value();
        for (const auto& threat : listed)
            found.push_back(static_cast<int>((threat.detected_at - at(0)) / seconds(1)));
        return found;
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, ThreatRepositoryTest, storage::both_engines,
                         storage::engine_name);

using Times = std::vector<int>;

TEST_P(ThreatRepositoryTest, TheSameWithinTheWindowCountsUp) {
    const auto agent = online("build-7"), other = online("build-8");
    const auto first = report(agent.id, Severity::low, 10, "192.0.2.1");
    EXPECT_TRUE(first.is_new);
    const auto again = report(agent.id, Severity::high, 110, "192.0.2.1");
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.threat.id, first.threat.id);
    EXPECT_EQ(again.threat.reports, 2);
    EXPECT_EQ(again.threat.severity, Severity::high);
    EXPECT_EQ(again.threat.detected_at, at(10));
    EXPECT_EQ(again.threat.last_seen_at, at(110));
    EXPECT_EQ(report(agent.id, Severity::info, 111, "192.0.2.1").threat.severity, Severity::high);
    EXPECT_TRUE(report(agent.id, Severity::low, 112, "192.0.2.2").is_new);
    EXPECT_TRUE(report(agent.id, Severity::low, 112, "192.0.2.1", "login.flood").is_new);
    EXPECT_TRUE(report(other.id, Severity::low, 112, "192.0.2.1").is_new);
    EXPECT_TRUE(report(agent.id, Severity::low, 212, "192.0.2.1").is_new) << "too long ago";
}

TEST_P(ThreatRepositoryTest, WhatIsClosedIsReportedAnew) {
    const auto agent = online("build-7");
    const auto first = report(agent.id, Severity::low, 10);
    ThreatChange closing;
    closing.status = ThreatStatus::resolved;
    closing.notes = "a scan of our own";
    const auto closed = run_to_end(threats().change(first.threat.id, closing, at(11))).value();
    EXPECT_EQ(closed.notes, "a scan of our own");
    EXPECT_EQ(closed.version, 2);
    EXPECT_TRUE(report(agent.id, Severity::low, 12).is_new);
}

TEST_P(ThreatRepositoryTest, EveryStepIsJudgedAsTheTableSays) {
    const auto agent = online("build-7");
    int number = 0;
    for (const auto from : threat_statuses) {
        for (const auto to : threat_statuses) {
            const auto id = report(agent.id, Severity::low, 10, std::to_string(++number)).threat.id;
            ThreatChange change;
            change.status = from;
            ASSERT_TRUE(run_to_end(threats().change(id, change, at(11))));
            change.status = to;
            EXPECT_EQ(reason(run_to_end(threats().change(id, change, at(12)))),
                      from == to || may_become(from, to) ? "" : "threat.status")
                << name_of(from) << " to " << name_of(to);
        }
    }
    EXPECT_FALSE(may_become(ThreatStatus::resolved, ThreatStatus::acknowledged));
    EXPECT_TRUE(may_become(ThreatStatus::false_positive, ThreatStatus::open));
}

TEST_P(ThreatRepositoryTest, ListsAreFilteredOrderedAndPaged) {
    const auto agent = online("build-7"), other = online("build-8");
    const Severity severities[] = {Severity::info, Severity::low, Severity::medium, Severity::high,
                                   Severity::critical};
    std::vector<Threat> made;
    for (int i = 0; i < 5; ++i)
        made.push_back(
            report(i % 2 == 0 ? agent.id : other.id, severities[i], i, std::to_string(i)).threat);
    EXPECT_EQ(times({}), (Times{4, 3, 2, 1, 0}));
    EXPECT_EQ(times({.oldest_first = true}), (Times{0, 1, 2, 3, 4}));
    EXPECT_EQ(times({.limit = 2, .offset = 1}), (Times{3, 2}));
    EXPECT_EQ(times({.after = {{made[2].detected_at, made[2].id}}}), (Times{1, 0}));
    EXPECT_EQ(times({.agent_id = agent.id}), (Times{4, 2, 0}));
    EXPECT_EQ(times({.min_severity = Severity::high}), (Times{4, 3}));
    EXPECT_EQ(times({.agent_id = agent.id, .min_severity = Severity::low}), (Times{4, 2}));
    ThreatChange closing;
    closing.status = ThreatStatus::resolved;
    ASSERT_TRUE(run_to_end(threats().change(made[4].id, closing, at(9))));
    EXPECT_EQ(times({.status = ThreatStatus::resolved}), Times{4});
    EXPECT_EQ(times({.agent_id = agent.id, .status = ThreatStatus::open}), (Times{2, 0}));
}

TEST_P(ThreatRepositoryTest, WhatIsRemovedIsGone) {
    const auto id = report(online("build-7").id, Severity::low, 1).threat.id;
    EXPECT_EQ(run_to_end(threats().find(id)).value().details, R"({"port":22})");
    ASSERT_TRUE(run_to_end(threats().remove(id)));
    EXPECT_EQ(reason(run_to_end(threats().find(id))), "threat.unknown");
    EXPECT_EQ(reason(run_to_end(threats().remove(id))), "threat.unknown");
    ThreatChange change;
    change.expected_version = 7;
    const auto other =
        report(run_to_end(agents().find_by_hostname("build-7")).value().id, Severity::low, 1)
            .threat.id;
    EXPECT_EQ(reason(run_to_end(threats().change(other, change, at(2)))), "threat.changed");
}

TEST_P(ThreatRepositoryTest, OneAgentHasSoManyOpenOnes) {
    const auto agent = online("build-7"), other = online("build-8");
    auto work = [&](storage::Session& session) -> Task<Result<void>> {
        for (int i = 0; i < ThreatRepository::open_max; ++i) {
            Report report{.agent_id = agent.id,
                          .type = "port.scan",
                          .severity = Severity::low,
                          .fingerprint = std::to_string(i)};
            GH_CO_TRY_VOID(co_await ThreatRepository::put(session, report, at(1), seconds(100)));
        }
        co_return Result<void>{};
    };
    ASSERT_TRUE(run_to_end(database->write(std::move(work))));
    const auto more = [&](std::string who, std::string fingerprint) {
        Report report{.agent_id = std::move(who),
                      .type = "port.scan",
                      .severity = Severity::low,
                      .fingerprint = std::move(fingerprint)};
        return reason(run_to_end(threats().report(report, at(2), seconds(100))));
    };
    EXPECT_EQ(more(agent.id, "one more"), "threat.many");
    EXPECT_EQ(more(agent.id, "7"), "") << "a known one counts up";
    EXPECT_EQ(more(other.id, "one more"), "");
}

}  // namespace
}  // namespace gh::agents
