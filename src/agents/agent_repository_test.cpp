#include "agents/agent_repository.hpp"

#include "agents/testing.hpp"

namespace gh::agents {
namespace {

class AgentRepositoryTest : public AgentsTest {
 protected:
    std::vector<std::string> names(AgentPage page) {
        std::vector<std::string> found;
        const auto listed = run_to_end(agents().list(std::move(page))).value();
        for (const auto& agent : listed) found.push_back(agent.hostname);
        return found;
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, AgentRepositoryTest, storage::both_engines, storage::engine_name);

using Names = std::vector<std::string>;

TEST_P(AgentRepositoryTest, WhatIsAddedIsFoundByIdAndByName) {
    auto agent = named("build-7");
    agent.labels = {{"zone", "a"}, {"text", "two words, \"quoted\""}};
    agent.capabilities = {"search", "gpu"};
    agent.ip_address = "2001:db8::1";
    agent.agent_version = "1.0";
    const auto added = run_to_end(agents().add(agent)).value();
    EXPECT_EQ(added.status, Status::pending);
    EXPECT_EQ(added.version, 1);
    const auto found = find(agent.id);
    EXPECT_EQ(found.labels, agent.labels);
    EXPECT_EQ(found.capabilities, agent.capabilities);
    EXPECT_EQ(found.ip_address, agent.ip_address);
    EXPECT_EQ(found.created_at, at(0));
    EXPECT_FALSE(found.last_heartbeat_at);
    EXPECT_EQ(run_to_end(agents().find_by_hostname("build-7")).value().id, agent.id);
    EXPECT_EQ(reason(run_to_end(agents().find("nobody"))), "agent.unknown");
    EXPECT_EQ(reason(run_to_end(agents().find_by_hostname("build-8"))), "agent.unknown");
}

TEST_P(AgentRepositoryTest, ANameIsGivenOnceAmongThoseThatLive) {
    const auto first = add("build-7");
    EXPECT_EQ(reason(run_to_end(agents().add(named("build-7")))), "agent.hostname_taken");
    ASSERT_TRUE(move(first.id, Status::retired));
    const auto second = add("build-7");
    EXPECT_EQ(run_to_end(agents().find_by_hostname("build-7")).value().id, second.id);
    EXPECT_EQ(find(first.id).status, Status::retired) << "it stays";
}

TEST_P(AgentRepositoryTest, OnlyItsEnrolmentBringsAPendingOneOnline) {
    const auto agent = add("build-7");
    EXPECT_EQ(reason(move(agent.id, Status::online)), "agent.status");
    EXPECT_EQ(reason(come("another")), "agent.not_awaited");
    const auto there = come(agent.enrolment).value();
    EXPECT_EQ(there.status, Status::online);
    EXPECT_EQ(there.ip_address, "192.0.2.7");
    EXPECT_EQ(there.last_heartbeat_at, at(1));
    EXPECT_GT(there.version, agent.version);
}

TEST_P(AgentRepositoryTest, WhoIsShutOutDoesNotComeBackByItsToken) {
    const auto agent = online("build-7");
    ASSERT_TRUE(move(agent.id, Status::quarantined));
    EXPECT_EQ(reason(come(agent.enrolment)), "agent.not_awaited");
    EXPECT_EQ(reason(run_to_end(agents().announce(agent.id, agent.enrolment, "next", at(3)))),
              "agent.status");
    ASSERT_TRUE(move(agent.id, Status::offline));
    ASSERT_TRUE(run_to_end(agents().announce(agent.id, agent.enrolment, "next", at(4))));
    EXPECT_EQ(reason(run_to_end(agents().announce(agent.id, agent.enrolment, "other", at(4)))),
              "agent.changed")
        << "somebody was faster";
    EXPECT_EQ(reason(come(agent.enrolment)), "agent.not_awaited") << "the next took its place";
    EXPECT_EQ(come("next").value().status, Status::online);
    ASSERT_TRUE(move(agent.id, Status::retired));
    EXPECT_EQ(reason(come("next")), "agent.not_awaited");
    EXPECT_EQ(reason(run_to_end(agents().announce(agent.id, "next", "more", at(5)))),
              "agent.retired");
    EXPECT_EQ(reason(move(agent.id, Status::offline)), "agent.retired");
}

TEST_P(AgentRepositoryTest, EveryStepIsJudgedAsTheTableSays) {
    int number = 0;
    for (const auto from : statuses) {
        for (const auto to : statuses) {
            const auto agent = add("a" + std::to_string(++number));
            if (from != Status::pending && from != Status::retired) {
                ASSERT_TRUE(come(agent.enrolment));
            }
            if (from != Status::pending && from != Status::online) {
                ASSERT_TRUE(move(agent.id, from)) << name_of(from);
            }
            const bool comes = from == Status::pending && to == Status::online;
            const bool stays = from == to && from != Status::retired;
            EXPECT_EQ(move(agent.id, to).has_value(), (may_move(from, to) && !comes) || stays)
                << name_of(from) << " to " << name_of(to);
        }
    }
}

TEST_P(AgentRepositoryTest, AChangeKeepsWhatItDoesNotName) {
    auto agent = named("build-7");
    agent.labels = {{"zone", "a"}};
    agent.capabilities = {"gpu"};
    ASSERT_TRUE(run_to_end(agents().add(agent)));
    AgentChange change;
    change.labels = Labels{{"zone", "b"}, {"tier", "1"}};
    change.expected_version = 1;
    const auto after = run_to_end(agents().change(agent.id, change, at(9))).value();
    EXPECT_EQ(after.labels, *change.labels);
    EXPECT_EQ(after.capabilities, agent.capabilities);
    EXPECT_EQ(after.version, 2);
    EXPECT_EQ(after.updated_at, at(9));
    EXPECT_EQ(reason(run_to_end(agents().change(agent.id, change, at(9)))), "agent.changed");
    AgentPage page;
    page.label = {"zone", "a"};
    EXPECT_EQ(names(page), Names{});
    page.label = {"tier", "1"};
    EXPECT_EQ(names(page), Names{"build-7"});
}

TEST_P(AgentRepositoryTest, ListsAreFilteredOrderedAndPaged) {
    for (const auto* name : {"c", "a", "e", "b", "d"}) add(name, name[0] - 'a');
    ASSERT_TRUE(move(run_to_end(agents().find_by_hostname("b")).value().id, Status::retired));
    ASSERT_TRUE(come(run_to_end(agents().find_by_hostname("d")).value().enrolment));
    using Order = AgentPage::Order;
    EXPECT_EQ(names({}), (Names{"a", "c", "d", "e"}));
    EXPECT_EQ(names({.order = Order::by_hostname_back}), (Names{"e", "d", "c", "a"}));
    EXPECT_EQ(names({.order = Order::oldest}), (Names{"a", "c", "d", "e"}));
    EXPECT_EQ(names({.order = Order::newest}), (Names{"e", "d", "c", "a"}));
    EXPECT_EQ(names({.limit = 2, .offset = 1}), (Names{"c", "d"}));
    EXPECT_EQ(names({.status = Status::online}), Names{"d"});
    EXPECT_EQ(names({.order = Order::newest, .status = Status::pending}), (Names{"e", "c", "a"}));
    EXPECT_EQ(names({.status = Status::retired}), Names{"b"});
    const auto c = run_to_end(agents().find_by_hostname("c")).value();
    EXPECT_EQ(names({.after_hostname = "c", .after_id = c.id}), (Names{"d", "e"}));
    EXPECT_EQ(names({.order = Order::newest, .after_time = c.created_at, .after_id = c.id}),
              Names{"a"});
}

TEST_P(AgentRepositoryTest, HeartbeatsMoveNobodyButThoseThatMayBeat) {
    const auto well = online("well"), ill = online("ill"), out = online("out");
    const auto pending = add("pending");
    ASSERT_TRUE(move(out.id, Status::quarantined));
    std::vector<Beat> beats{{well.id, at(10), true},
                            {ill.id, at(10), false},
                            {out.id, at(10), true},
                            {pending.id, at(10), true},
                            {"nobody", at(10), true}};
    ASSERT_TRUE(run_to_end(agents().beat(beats)));
    EXPECT_EQ(find(well.id).last_heartbeat_at, at(10));
    EXPECT_EQ(find(ill.id).status, Status::degraded);
    EXPECT_EQ(find(out.id).status, Status::quarantined);
    EXPECT_EQ(find(out.id).last_heartbeat_at, at(0));
    EXPECT_EQ(find(pending.id).status, Status::pending);
    ASSERT_TRUE(run_to_end(agents().beat({{ill.id, at(9), true}})));
    EXPECT_EQ(find(ill.id).status, Status::degraded) << "an older one, of another node";
    ASSERT_TRUE(run_to_end(agents().beat({{ill.id, at(11), true}})));
    EXPECT_EQ(find(ill.id).status, Status::online);
    EXPECT_EQ(find(ill.id).version, ill.version) << "heartbeats are no changes";
}

TEST_P(AgentRepositoryTest, TheSilentGoOfflineAndComeBackByAHeartbeat) {
    const auto silent = online("silent", 0), loud = online("loud", 20);
    EXPECT_TRUE(run_to_end(agents().end_silent(at(0), at(30))).value().empty());
    const auto moved = run_to_end(agents().end_silent(at(1), at(30))).value();
    ASSERT_EQ(moved.size(), 1U);
    EXPECT_EQ(moved[0].hostname, "silent");
    EXPECT_EQ(moved[0].from, Status::online);
    EXPECT_EQ(find(silent.id).status, Status::offline);
    EXPECT_EQ(find(loud.id).status, Status::online);
    EXPECT_TRUE(run_to_end(agents().end_silent(at(1), at(30))).value().empty()) << "told once";
    EXPECT_TRUE(run_to_end(agents().welcome_back(at(30))).value().empty());
    ASSERT_TRUE(run_to_end(agents().beat({{silent.id, at(31), true}})));
    EXPECT_EQ(find(silent.id).status, Status::offline);
    EXPECT_EQ(run_to_end(agents().welcome_back(at(31))).value().size(), 1U);
    EXPECT_EQ(find(silent.id).status, Status::online);
    const auto counts = run_to_end(agents().count()).value();
    EXPECT_EQ(counts[static_cast<std::size_t>(Status::online)], 2);
    EXPECT_EQ(run_to_end(agents().active(10)).value().size(), 2U);
}

TEST_P(AgentRepositoryTest, WhoIsReleasedStaysOfflineUntilItBeats) {
    const auto agent = online("build-7", 5);
    ASSERT_TRUE(run_to_end(agents().beat({{agent.id, at(6), true}})));
    ASSERT_TRUE(move(agent.id, Status::quarantined, 7));
    ASSERT_TRUE(move(agent.id, Status::offline, 8));
    EXPECT_TRUE(run_to_end(agents().welcome_back(at(9))).value().empty());
    ASSERT_TRUE(run_to_end(agents().beat({{agent.id, at(3), true}}))) << "by a clock that stepped";
    EXPECT_EQ(run_to_end(agents().welcome_back(at(10))).value().size(), 1U);
    EXPECT_EQ(find(agent.id).status, Status::online);
    EXPECT_EQ(find(agent.id).last_heartbeat_at, at(6));
}

}  // namespace
}  // namespace gh::agents
