#include "agents/heartbeats.hpp"

#include <thread>
#include <vector>

#include "agents/testing.hpp"

namespace gh::agents {
namespace {

class HeartbeatsTest : public AgentsTest {
 protected:
    Result<void> write(storage::Database& to) {
        AgentRepository agents(to);
        TokenRepository tokens(to);
        return run_to_end(heartbeats_.write(agents, tokens));
    }
    Heartbeats heartbeats_;
};

INSTANTIATE_TEST_SUITE_P(Engines, HeartbeatsTest, storage::both_engines, storage::engine_name);

TEST_P(HeartbeatsTest, ManyAreOneWriteAndTheLastOneCounts) {
    const auto one = online("one"), two = online("two");
    for (int second = 10; second < 20; ++second)
        ASSERT_TRUE(heartbeats_.note(one.id, "", true, at(second)));
    ASSERT_TRUE(heartbeats_.note(one.id, "", true, at(5))) << "a clock that stepped back";
    ASSERT_TRUE(heartbeats_.note(two.id, "", false, at(12)));
    EXPECT_EQ(heartbeats_.size(), 2U);
    ASSERT_TRUE(write(*database));
    EXPECT_EQ(heartbeats_.size(), 0U);
    EXPECT_EQ(find(one.id).last_heartbeat_at, at(19));
    EXPECT_EQ(find(two.id).status, Status::degraded);
}

TEST_P(HeartbeatsTest, ATokensLastUseIsWrittenWithThem) {
    const auto agent = online("one");
    NewToken token{.made = make_token(at(1)),
                   .agent_id = agent.id,
                   .family = {},
                   .created_by = "user:ada",
                   .expires_at = at(1'000)};
    const auto kept = run_to_end(tokens().add(token, at(1))).value();
    ASSERT_TRUE(heartbeats_.note(agent.id, kept.family, true, at(7)));
    ASSERT_TRUE(write(*database));
    EXPECT_EQ(run_to_end(tokens().find(agent.id, kept.id)).value().last_used_at, at(7));
}

TEST_P(HeartbeatsTest, WhatCouldNotBeWrittenWaitsAndIsNotNewerThanWhatCame) {
    const auto agent = online("one");
    storage::Sometimes sometimes(*database);
    sometimes.away = true;
    ASSERT_TRUE(heartbeats_.note(agent.id, "", true, at(10)));
    EXPECT_EQ(reason(write(sometimes)), "storage.connection");
    EXPECT_EQ(heartbeats_.size(), 1U);
    ASSERT_TRUE(heartbeats_.note(agent.id, "", true, at(11)));
    sometimes.away = false;
    ASSERT_TRUE(write(sometimes));
    EXPECT_EQ(find(agent.id).last_heartbeat_at, at(11));
}

TEST_P(HeartbeatsTest, SeveralThousandAreWrittenInBatches) {
    std::vector<std::string> ids;
    for (int i = 0; i < 12; ++i) ids.push_back(online("a" + std::to_string(i)).id);
    for (int i = 0; i < 2'500; ++i)
        ASSERT_TRUE(heartbeats_.note("nobody-" + std::to_string(i), "", true, at(9)));
    for (const auto& id : ids) ASSERT_TRUE(heartbeats_.note(id, "", true, at(9)));
    ASSERT_TRUE(write(*database));
    for (const auto& id : ids) EXPECT_EQ(find(id).last_heartbeat_at, at(9));
}

TEST(HeartbeatsBoundTest, NoMoreAreKeptThanThereIsRoomFor) {
    Heartbeats heartbeats;
    const SystemTime now{seconds(1)};
    for (std::size_t i = 0; i < Heartbeats::agents_max; ++i)
        ASSERT_TRUE(heartbeats.note(std::to_string(i), "", true, now));
    EXPECT_FALSE(heartbeats.note("one more", "", true, now));
    EXPECT_TRUE(heartbeats.note("7", "", true, now)) << "one that is there";
}

TEST(HeartbeatsBoundTest, ManyThreadsNoteAtOnce) {
    Heartbeats heartbeats;
    {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&heartbeats] {
                for (int i = 0; i < 2'000; ++i)
                    (void)heartbeats.note(std::to_string(i), "", true, SystemTime(seconds(i)));
            });
        }
    }
    EXPECT_EQ(heartbeats.size(), 2'000U);
}

}  // namespace
}  // namespace gh::agents
