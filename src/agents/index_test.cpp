#include "agents/testing.hpp"
#include "storage/testing_plan.hpp"

// SQLite is asked after every test, by EngineTest. PostgreSQL plans by how many rows there are, and for a few it reads them
// all: so it is asked what it would do where reading all were dear.

namespace gh::agents {
namespace {

class AgentIndexTest : public AgentsTest {};
INSTANTIATE_TEST_SUITE_P(Postgres, AgentIndexTest, testing::Values(storage::Dialect::postgres),
                         storage::engine_name);

constexpr storage::Statement count_indexes{
    .name = "t.count_indexes",
    .sql =
        "SELECT count(*) FROM pg_indexes WHERE tablename IN "
        "('agents', 'agent_labels', 'agent_tokens', 'threats')"};

TEST_P(AgentIndexTest, EveryQueryOfTheRoomFindsItsRowsByAnIndex) {
    using Order = AgentPage::Order;
    const auto agent = online("build-7");
    for (const auto order :
         {Order::by_hostname, Order::by_hostname_back, Order::oldest, Order::newest}) {
        for (int filter = 0; filter < 4; ++filter) {
            AgentPage page{.order = order};
            if (filter & 1) page.status = Status::online;
            if (filter & 2) page.label = {"zone", "a"};
            ASSERT_TRUE(run_to_end(agents().list(page)));
        }
    }
    for (int filter = 0; filter < 8; ++filter) {
        ThreatPage page{.oldest_first = (filter & 1) != 0};
        if (filter & 2) page.agent_id = agent.id;
        if (filter & 4) page.status = ThreatStatus::open;
        ASSERT_TRUE(run_to_end(threats().list(page)));
    }
    Report report{.agent_id = agent.id, .type = "scan"};
    const auto threat = run_to_end(threats().report(report, at(1), seconds(9))).value().threat;
    ASSERT_TRUE(run_to_end(threats().find(threat.id)));
    ASSERT_TRUE(run_to_end(agents().find_by_hostname("build-7")));
    NewToken token{.made = make_token(at(1)), .agent_id = agent.id, .expires_at = at(9)};
    ASSERT_TRUE(run_to_end(tokens().add(token, at(1))));
    NewToken next{.made = make_token(at(2)), .expires_at = at(9)};
    ASSERT_TRUE(run_to_end(tokens().refresh(token.made.text, next, at(2))));
    ASSERT_TRUE(run_to_end(tokens().list(agent.id, {}, 10)));
    ASSERT_TRUE(run_to_end(tokens().clean(at(0))));
    ASSERT_TRUE(run_to_end(tokens().touch({{agent.id, at(3)}})));
    ASSERT_TRUE(run_to_end(agents().beat({{agent.id, at(3), true}})));
    ASSERT_TRUE(run_to_end(agents().end_silent(at(0), at(4))));
    ASSERT_TRUE(run_to_end(agents().welcome_back(at(4))));
    ASSERT_TRUE(run_to_end(agents().count()));
    ASSERT_TRUE(run_to_end(agents().active(10)));
    std::size_t asked = 0;
    for (const auto& [text, name] : observer.seen()) {
        const bool ours = name.starts_with("agent") || name.starts_with("threats.");
        if (!ours) continue;
        auto work = [&asked_sql = text](storage::Session& session) {
            return storage::generic_plan(session, asked_sql);
        };
        const auto plan = run_to_end(database->read(std::move(work)));
        ASSERT_TRUE(plan) << text << ": " << describe(plan.error());
        EXPECT_FALSE(plan->contains("Seq Scan on agent") || plan->contains("Seq Scan on threats"))
            << name << ": " << text << "\n"
            << *plan;
        ++asked;
    }
    EXPECT_GE(asked, 35U);
    EXPECT_GE(run_to_end(database->query(count_indexes)).value()[0].integer(0), 21);
}

}  // namespace
}  // namespace gh::agents
