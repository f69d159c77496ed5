#include "agents/calls.hpp"

#include "agents/testing.hpp"

namespace gh::agents {
namespace {

class CallsTest : public AgentsTest {
 protected:
    int call(Calls& node, const std::string& agent, int times, int second) {
        int passed = 0;
        for (int i = 0; i < times; ++i) passed += node.charge(agent, at(second)) ? 1 : 0;
        return passed;
    }
};

INSTANTIATE_TEST_SUITE_P(Engines, CallsTest, storage::both_engines, storage::engine_name);

TEST_P(CallsTest, HoldOverNodes) {
    Calls one(*database, 100), two(*database, 100);
    EXPECT_EQ(call(one, "a", 60, 0), 60);
    EXPECT_EQ(call(two, "a", 30, 0), 30);
    ASSERT_TRUE(run_to_end(one.exchange(at(1))));
    ASSERT_TRUE(run_to_end(two.exchange(at(1))));
    EXPECT_EQ(call(two, "a", 30, 2), 10) << "it knows of the other's";
    EXPECT_EQ(call(two, "b", 30, 2), 30);
    ASSERT_TRUE(run_to_end(two.exchange(at(3))));
    EXPECT_EQ(call(one, "a", 1, 4), 1) << "it has not asked yet";
    ASSERT_TRUE(run_to_end(one.exchange(at(14))));
    EXPECT_EQ(call(one, "a", 1, 15), 0);
}

TEST_P(CallsTest, HoldOverARestartAndEndWithTheHour) {
    {
        Calls before(*database, 100);
        EXPECT_EQ(call(before, "a", 200, 0), 100);
        ASSERT_TRUE(run_to_end(before.write(at(1))));
    }
    Calls after(*database, 100);
    EXPECT_EQ(call(after, "a", 1, 2), 1) << "nobody waits for the database";
    ASSERT_TRUE(run_to_end(after.exchange(at(3))));
    EXPECT_EQ(call(after, "a", 50, 4), 0);
    ASSERT_TRUE(run_to_end(after.exchange(at(1'800))));
    EXPECT_EQ(call(after, "a", 50, 1'801), 0);
    ASSERT_TRUE(run_to_end(after.exchange(at(3'700))));
    EXPECT_EQ(call(after, "a", 200, 3'701), 100) << "an hour later";
}

TEST_P(CallsTest, WhatCouldNotBeWrittenIsWrittenLater) {
    storage::Sometimes sometimes(*database);
    Calls node(sometimes, 100);
    EXPECT_EQ(call(node, "a", 40, 0), 40);
    sometimes.away = true;
    EXPECT_EQ(reason(run_to_end(node.exchange(at(1)))), "storage.connection");
    EXPECT_EQ(call(node, "a", 100, 2), 60) << "what it knows itself holds";
    sometimes.away = false;
    ASSERT_TRUE(run_to_end(node.exchange(at(3))));
    Calls other(*database, 100);
    EXPECT_EQ(call(other, "a", 1, 4), 1);
    ASSERT_TRUE(run_to_end(other.exchange(at(5))));
    EXPECT_EQ(call(other, "a", 1, 6), 0);
}

TEST_P(CallsTest, ManyAreWrittenAtTheEnd) {
    {
        Calls node(*database, 100);
        for (int i = 0; i < 2'500; ++i) EXPECT_EQ(call(node, std::to_string(i), 1, 0), 1);
        ASSERT_TRUE(run_to_end(node.write(at(1))));
    }
    static constexpr storage::Statement count{.name = "t.count",
                                              .sql = "SELECT count(*) FROM agent_calls"};
    EXPECT_EQ(run_to_end(database->query(count)).value()[0].integer(0), 2'500);
    Calls node(*database, 100);
    ASSERT_TRUE(run_to_end(node.exchange(at(3 * 3'600))));
    EXPECT_EQ(run_to_end(database->query(count)).value()[0].integer(0), 0) << "cleared away";
}

TEST_P(CallsTest, NobodyIsCountedWithoutALimit) {
    Calls node(*database, 0);
    EXPECT_EQ(call(node, "a", 1'000, 0), 1'000);
    ASSERT_TRUE(run_to_end(node.exchange(at(1))));
}

}  // namespace
}  // namespace gh::agents
