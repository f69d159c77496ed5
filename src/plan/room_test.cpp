#include "plan/room.hpp"

#include "plan/testing.hpp"

namespace gh::plan {
namespace {

const SteadyTime start = SteadyTime(seconds(1'000));

TEST(PlanBoard, OneLooksForAll) {
    Board board;
    EXPECT_TRUE(board.begin_look(start));
    EXPECT_FALSE(board.begin_look(start)) << "somebody does";
    EXPECT_TRUE(board.end_look(std::vector<std::string>{"gpu"}, start)) << "one came meanwhile";
    EXPECT_FALSE(board.begin_look(start + milliseconds(100)));
    EXPECT_TRUE(board.has_work({"gpu", "search"}));
    EXPECT_FALSE(board.has_work({"search"}));
    board.stale();
    EXPECT_TRUE(board.begin_look(start + milliseconds(100)));
    EXPECT_FALSE(board.end_look(std::vector<std::string>{}, start + milliseconds(100)));
    EXPECT_FALSE(board.has_work({"gpu"}));
    EXPECT_TRUE(board.begin_look(start + seconds(1)));
}

TEST(PlanBoard, WhereThereIsMoreThanItLooksAtThereMayBeWork) {
    Board board;
    ASSERT_TRUE(board.begin_look(start));
    (void)board.end_look(std::vector<std::string>(WorkRepository::kinds_max, "-"), start);
    EXPECT_TRUE(board.has_work({"z"}));
}

struct Everybody final : access::AgentDirectory {
    Task<Result<std::vector<std::string>>> capabilities(std::string) override {
        co_return std::vector<std::string>{};
    }
};

/// A house with its keeper, whose times are ours.
class KeeperTest : public PlansTest {
 protected:
    void SetUp() override {
        PlansTest::SetUp();
        if (IsSkipped()) return;
        sometimes.emplace(*database);
        fallback.emplace(*sometimes, storage::Journal::open(folder.path / "journal", {}).value(),
                         registry, log);
        PlansConfig config;
        config.lease = seconds(10);
        room.emplace(*sometimes, *fallback, everybody, config, registry, log);
    }
    /// Rounds, half a second apart, of a clock that goes as it should.
    void keep(int from, int to) {
        for (int half = 2 * from; half <= 2 * to; ++half) {
            const auto behind = half * milliseconds(500);
            EXPECT_TRUE(run_to_end(room->keeper.round(at(0) + behind + stepped, start + behind)));
        }
    }
    std::int64_t attempts_lost() {
        std::int64_t lost = 0;
        const auto attempts = run_to_end(plans().attempts("p", "a")).value();
        for (const auto& each : attempts)
            lost += each.state == AttemptState::lost || each.state == AttemptState::timed_out;
        return lost;
    }

    telemetry::NoLog sink;
    telemetry::Log log{sink, telemetry::LogLevel::info};
    Everybody everybody;
    seconds stepped{0};
    std::optional<storage::Sometimes> sometimes;
    std::optional<storage::Fallback> fallback;
    std::optional<Room> room;
};
INSTANTIATE_TEST_SUITE_P(Engines, KeeperTest, storage::both_engines, storage::engine_name);

TEST_P(KeeperTest, WatchesForALeaseBeforeItJudges) {
    ASSERT_TRUE(add("p", {step("a")}));
    (void)claim_one(0);
    keep(20, 29);
    EXPECT_EQ(attempts_lost(), 0) << "nobody was watched for long enough";
    keep(30, 31);
    EXPECT_EQ(attempts_lost(), 1);
}

TEST_P(KeeperTest, AClockThatStepsTakesNobodysLease) {
    ASSERT_TRUE(add("p", {step("a")}));
    keep(0, 20);
    const auto lease = claim_one(20).lease;
    stepped = seconds(3'600);
    keep(21, 25);
    EXPECT_EQ(attempts_lost(), 0);
    ASSERT_TRUE(run_to_end(work().renew({.lease = lease, .agent_id = "agent"}, at(3'625))));
    keep(26, 33);
    EXPECT_EQ(attempts_lost(), 0);
}

TEST_P(KeeperTest, ABreakBeginsTheWatchAnew) {
    ASSERT_TRUE(add("p", {step("a")}));
    keep(0, 12);
    (void)claim_one(1);
    keep(16, 25);
    EXPECT_EQ(attempts_lost(), 0) << "for four seconds nobody was heard";
    keep(26, 27);
    EXPECT_EQ(attempts_lost(), 1);
}

TEST_P(KeeperTest, WhatElseWaitsInTheJournalDoesNotStopIt) {
    ASSERT_TRUE(add("p", {step("a")}));
    (void)claim_one(0);
    storage::Command other{.kind = "audit.append", .payload = "{}"};
    ASSERT_TRUE(run_to_end(fallback->keep(std::move(other), at(0))));
    keep(11, 22);
    EXPECT_EQ(attempts_lost(), 1);
}

TEST_P(KeeperTest, WritesWhatAgentsWereToldMeanwhileOnce) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto held = claim_one(0);
    room->leases.add(held.lease, {.agent_id = "agent",
                                  .plan_id = "p",
                                  .step_id = "a",
                                  .attempt = 1,
                                  .since = start,
                                  .heard = start});
    sometimes->away = true;
    const LeaseNamed named{.lease = held.lease, .agent_id = "agent"};
    for (const int second : {3, 6, 9}) {
        const auto renewed =
            run_to_end(room->desk.renew(named, at(second), start + seconds(second)));
        ASSERT_TRUE(renewed) << describe(renewed.error());
        EXPECT_EQ(renewed->expires_at, at(second + 10));
    }
    EXPECT_EQ(fallback->backlog().records, 0U) << "heartbeats are no matter of the journal";
    sometimes->away = false;
    keep(10, 10);
    EXPECT_EQ(find_step("p", "a").lease_expires_at, at(19));
    EXPECT_TRUE(room->leases.owed(1).empty());
}

TEST_P(KeeperTest, PlansThatEndedLongAgoAreRemovedPieceByPiece) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    ASSERT_TRUE(add("q", {step("a")}));
    ASSERT_TRUE(run_to_end(plans().cancel("p", "ada", at(1))));
    const int later = 90 * 24 * 3'600 + 2;
    keep(later, later + 3);
    EXPECT_EQ(reason(run_to_end(plans().find("p"))), "plan.unknown");
    EXPECT_TRUE(run_to_end(plans().events("p", 0, 9)).value().empty());
    EXPECT_EQ(find("q").state, PlanState::pending);
    EXPECT_EQ(run_to_end(plans().count()).value().steps[0], 0) << "pending";
}

TEST_P(KeeperTest, WhoseStepWasTakenAwayIsNotToldThatItCounts) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto held = claim_one(0);
    room->leases.add(held.lease, {.agent_id = "agent",
                                  .plan_id = "p",
                                  .step_id = "a",
                                  .attempt = 1,
                                  .since = start,
                                  .heard = start});
    const auto cancelled = run_to_end(plans().cancel("p", "ada", at(1)));
    ASSERT_TRUE(cancelled);
    room->heed(cancelled->stir);
    sometimes->away = true;
    const auto done = run_to_end(room->desk.finish(completion(held.lease), at(2), start));
    ASSERT_FALSE(done);
    EXPECT_TRUE(storage::is_away(done.error()));
    EXPECT_EQ(fallback->backlog().records, 0U);
}

}  // namespace
}  // namespace gh::plan
