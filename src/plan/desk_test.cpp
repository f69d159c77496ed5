#include "plan/desk.hpp"

#include "plan/testing.hpp"
#include "telemetry/log.hpp"

namespace gh::plan {
namespace {

/// A house whose database can be away.
class DeskTest : public PlansTest {
 protected:
    void SetUp() override {
        PlansTest::SetUp();
        if (IsSkipped()) return;
        sometimes.emplace(*database);
        begin();
    }
    /// As a process that has just started: it remembers no lease, and its journal is where it was.
    void begin() {
        desk.reset();
        leases.emplace();
        fallback.reset();
        fallback.emplace(*sometimes, storage::Journal::open(folder.path / "journal", {}).value(),
                         registry, log);
        behind.emplace(*sometimes, rules);
        desk.emplace(*behind, *fallback, *leases);
    }
    std::string lease_of_one(int second = 1) {
        const auto step = claim_one(second);
        leases->add(step.lease, {.agent_id = "agent",
                                 .plan_id = step.plan_id,
                                 .step_id = step.id,
                                 .attempt = step.attempts,
                                 .since = since,
                                 .heard = since,
                                 .completed = {},
                                 .took = {}});
        return step.lease;
    }
    Result<Finished> report(Finish made, int second = 2) {
        return run_to_end(desk->finish(std::move(made), at(second), since + seconds(5)));
    }
    std::size_t replay(int second) {
        sometimes->away = false;
        return run_to_end(fallback->replay(at(second))).value();
    }

    const SteadyTime since = std::chrono::steady_clock::now();
    telemetry::NoLog sink;
    telemetry::Log log{sink, telemetry::LogLevel::info};
    std::optional<storage::Sometimes> sometimes;
    std::optional<Leases> leases;
    std::optional<storage::Fallback> fallback;
    std::optional<WorkRepository> behind;
    std::optional<Desk> desk;
};
INSTANTIATE_TEST_SUITE_P(Engines, DeskTest, storage::both_engines, storage::engine_name);

TEST_P(DeskTest, WithTheDatabaseThereItIsTheDatabasesWord) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    const auto done = report(completion(lease_of_one()));
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(done->state, StepState::completed);
    EXPECT_FALSE(done->kept);
    EXPECT_EQ(done->took, seconds(5)) << "by the clock that does not step";
    EXPECT_EQ(leases->size(), 0U);
    EXPECT_FALSE(desk->waits());
    EXPECT_EQ(reason(report(failure(lease_of_one(3)), 4)), "");
}

TEST_P(DeskTest, WithTheDatabaseAwayAReportIsKeptAndCountsOnce) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    const auto lease = lease_of_one();
    sometimes->away = true;
    const auto first = report(completion(lease, "7"));
    ASSERT_TRUE(first) << describe(first.error());
    EXPECT_FALSE(first->again);
    EXPECT_TRUE(first->kept);
    const auto again = report(completion(lease, "8"));
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->again);
    EXPECT_EQ(std::tie(again->plan_id, again->step_id, again->attempt, again->took),
              std::tie(first->plan_id, first->step_id, first->attempt, first->took));
    EXPECT_EQ(reason(report(failure(lease))), "plan.illegal_move");
    EXPECT_TRUE(desk->waits());
    EXPECT_EQ(replay(9), 1U);
    EXPECT_EQ(find_step("p", "a").result, "7");
    EXPECT_EQ(find_step("p", "a").duration, seconds(5));
    EXPECT_EQ(state("p", "b"), StepState::ready);
    EXPECT_TRUE(report(completion(lease))->again) << "and behind it as before it";
    EXPECT_EQ(find("p").tally.completed, 1);
}

TEST_P(DeskTest, AProcessThatIsKilledLosesNothingThatItHasAcknowledged) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    const auto lease = lease_of_one();
    sometimes->away = true;
    ASSERT_TRUE(report(completion(lease, "7")));
    begin();
    EXPECT_TRUE(storage::is_away(report(completion(lease, "7")).error())) << "it cannot know";
    // Another node has ended the lease before the journal comes.
    ASSERT_TRUE(run_to_end(work().end_expired(at(60))));
    EXPECT_EQ(state("p", "a"), StepState::ready);
    EXPECT_EQ(replay(61), 1U);
    EXPECT_EQ(find_step("p", "a").result, "7");
    EXPECT_EQ(find("p").tally.completed, 1);
    EXPECT_TRUE(report(completion(lease, "7"))->again);
}

TEST_P(DeskTest, WhatAnAgentSaysAfterItWasShutOutDoesNotCount) {
    // Of the one lease its end is this, of the other it was a silence before.
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    for (const bool was_silent : {false, true}) {
        const int first = was_silent ? 100 : 1;
        const auto lease = lease_of_one(first);
        sometimes->away = true;
        ASSERT_TRUE(report(completion(lease, "7")));
        begin();
        if (was_silent) {
            ASSERT_TRUE(run_to_end(work().end_expired(at(first + 60))));
        }
        auto end = [first](storage::Session& session) {
            return WorkRepository::end_of_agent(session, "agent", at(first + 61));
        };
        ASSERT_TRUE(run_to_end(database->write(std::move(end))));
        EXPECT_EQ(replay(first + 62), 1U);
        EXPECT_EQ(state("p", "a"), StepState::ready);
    }
    EXPECT_EQ(find("p").tally.completed, 0);
}

TEST_P(DeskTest, ACommitWhoseAnswerIsLostCountsOnce) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto lease = lease_of_one();
    sometimes->loses_answer = true;
    const auto told = report(completion(lease, "7"));
    ASSERT_TRUE(told);
    EXPECT_TRUE(told->kept) << "what may not have come to pass is not told as if it had";
    EXPECT_TRUE(leases->find(lease));
    EXPECT_TRUE(told->stir.plan_id.empty());
    (void)replay(9);
    EXPECT_EQ(find("p").tally.completed, 1);
    EXPECT_EQ(find("p").state, PlanState::completed);
}

TEST_P(DeskTest, WhatElseWaitsInTheJournalKeepsNoReportFromTheDatabase) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto lease = lease_of_one();
    storage::Command other{.kind = "audit.append", .payload = "{}"};
    ASSERT_TRUE(run_to_end(fallback->keep(std::move(other), at(1))));
    ASSERT_TRUE(run_to_end(plans().cancel("p", "ada", at(1))));
    EXPECT_EQ(reason(report(completion(lease))), "plan.lease_lost");
    EXPECT_FALSE(leases->find(lease));
}

TEST_P(DeskTest, FromWhomAStepIsTakenBackIsNotToldThatItCounts) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto first = lease_of_one();
    sometimes->away = true;
    ASSERT_TRUE(report(completion(first, "1")));
    ASSERT_TRUE(run_to_end(work().end_expired(at(60))));
    const auto second = claim_one(61).lease;
    leases->add(second, {.agent_id = "agent", .plan_id = "p", .step_id = "other", .attempt = 2});
    EXPECT_EQ(replay(62), 1U);
    EXPECT_FALSE(leases->find(second));
    EXPECT_EQ(find_step("p", "a").result, "1");
}

TEST_P(DeskTest, HeartbeatsAndFailuresAreKeptAsWell) {
    ASSERT_TRUE(add("p", {step("a"), step("b")}));
    const auto claims = claim();
    for (const auto& claimed : claims.steps)
        leases->add(claimed.step.lease, {.agent_id = "agent",
                                         .plan_id = "p",
                                         .step_id = claimed.step.id,
                                         .attempt = 1,
                                         .since = since,
                                         .heard = since,
                                         .completed = {},
                                         .took = {}});
    sometimes->away = true;
    const auto &one = claims.steps[0].step, &other = claims.steps[1].step;
    const LeaseNamed mine{.lease = one.lease, .agent_id = "agent"};
    const LeaseNamed stolen{.lease = one.lease, .agent_id = "thief"};
    const LeaseNamed failed{.lease = other.lease, .agent_id = "agent"};
    const auto renewed = run_to_end(desk->renew(mine, at(30), since));
    ASSERT_TRUE(renewed) << describe(renewed.error());
    EXPECT_EQ(renewed->expires_at, at(40));
    EXPECT_EQ(reason(run_to_end(desk->renew(stolen, at(30), since))), "plan.lease_of_another");
    auto elsewhere = completion(one.lease);
    elsewhere.step_id = "z";
    EXPECT_EQ(reason(report(elsewhere)), "plan.lease_of_other_step");
    ASSERT_TRUE(report(failure(other.lease, false), 30));
    EXPECT_EQ(reason(run_to_end(desk->renew(failed, at(31), since))), "plan.lease_lost");
    EXPECT_EQ(replay(35), 1U);
    ASSERT_TRUE(run_to_end(desk->settle()));
    EXPECT_EQ(find_step("p", one.id).lease_expires_at, at(40));
    EXPECT_EQ(state("p", other.id), StepState::failed);
}

TEST_P(DeskTest, WhatWasCancelledMeanwhileStaysSoAndBlocksNobody) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto lease = lease_of_one();
    sometimes->away = true;
    ASSERT_TRUE(report(completion(lease)));
    ASSERT_TRUE(run_to_end(plans().cancel("p", "ada", at(3))));
    EXPECT_EQ(replay(9), 1U);
    EXPECT_EQ(find("p").state, PlanState::cancelled);
    EXPECT_FALSE(desk->waits());
}

TEST(PlanReport, IsReadAsItWasWritten) {
    Finish finish;
    finish.lease = "l";
    finish.agent_id = "a";
    finish.confidence = 0.25;
    finish.result = R"({"t":"\u00e4\n"})";
    finish.reference = "s3://bucket/key";
    finish.took = milliseconds(12);
    auto child = step("x", {"y"});
    child.capabilities = {"gpu"};
    child.condition = R"({"step":"split","op":"exists"})";
    child.join = Join::any;
    finish.expand = {child};
    const auto read = finish_of_text(text_of(finish));
    ASSERT_TRUE(read);
    EXPECT_EQ(text_of(*read), text_of(finish));
    EXPECT_EQ(read->expand[0].depends_on, (std::vector<std::string>{"y"}));
    EXPECT_EQ(reason(finish_of_text("[]")), "plan.payload");
}

}  // namespace
}  // namespace gh::plan
