#include "plan/work_repository.hpp"

#include "plan/new_plan.hpp"
#include "plan/testing.hpp"

namespace gh::plan {
namespace {

class WorkRepositoryTest : public PlansTest {};
INSTANTIATE_TEST_SUITE_P(Engines, WorkRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(WorkRepositoryTest, APlanGoesFromItsFirstStepToItsLast) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"}), step("c", {"a", "b"})}));
    auto done = completion(claim_one(1).lease, R"({"n":7})");
    done.confidence = 0.89;
    done.quality = 0.92;
    const auto finished = finish(done, 3);
    ASSERT_TRUE(finished) << describe(finished.error());
    EXPECT_EQ(finished->state, StepState::completed);
    EXPECT_EQ(finished->stir.ready, 1U);
    EXPECT_NEAR(progress_of(find("p").tally), 33.3, 0.1);
    const auto a = find_step("p", "a");
    EXPECT_EQ(a.confidence, 0.89);
    EXPECT_EQ(a.quality, 0.92);
    EXPECT_EQ(a.result, R"({"n":7})");
    const auto listed = run_to_end(plans().steps("p", 0, 10)).value();
    EXPECT_TRUE(listed[0].has_result);
    EXPECT_FALSE(listed[0].result) << "lists name it";
    EXPECT_FALSE(listed[1].has_result);
    EXPECT_EQ(a.duration, milliseconds(2'000));
    ASSERT_TRUE(finish(completion(claim_one(4).lease), 5));
    const auto last = claim(10, 6);
    ASSERT_EQ(last.steps.size(), 1U);
    ASSERT_EQ(last.steps[0].inputs.size(), 2U);
    EXPECT_EQ(last.steps[0].inputs[0].step_id, "a");
    EXPECT_TRUE(last.steps[0].inputs[0].has_result);
    EXPECT_EQ(last.steps[0].inputs[0].confidence, 0.89);
    EXPECT_TRUE(run_to_end(work().may_read("agent", "p", "a")).value());
    EXPECT_FALSE(run_to_end(work().may_read("another", "p", "a")).value());
    ASSERT_TRUE(finish(completion(last.steps[0].step.lease), 9));
    const auto plan = find("p");
    EXPECT_EQ(plan.state, PlanState::completed);
    EXPECT_EQ(progress_of(plan.tally), 100.0);
    EXPECT_EQ(plan.duration, milliseconds(8'000));
    EXPECT_EQ(told("p"),
              "plan.pending step.ready(a) plan.running step.running(a) step.completed(a) "
              "step.ready(b) step.running(b) step.completed(b) step.ready(c) step.running(c) "
              "step.completed(c) plan.completed");
}

TEST_P(WorkRepositoryTest, AgentsGetWhatTheyCanDoAndNobodyGetsItTwice) {
    auto seeing = step("see");
    seeing.capabilities = {"vision", "gpu"};
    auto searching = step("search");
    searching.capabilities = {"search"};
    ASSERT_TRUE(add("p", {seeing, searching, step("any")}));
    EXPECT_EQ(run_to_end(work().wanted(at(1))).value(),
              (std::vector<std::string>{"", "gpu vision", "search"}));
    EXPECT_EQ(claim(10, 1, {"vision"}).steps.size(), 1U) << "what anybody can do";
    const auto both = claim(10, 1, {"vision", "search", "gpu"});
    ASSERT_EQ(both.steps.size(), 2U);
    EXPECT_EQ(both.steps[0].step.id, "see") << "as they lie in the plan";
    EXPECT_TRUE(claim(10, 1, {"vision", "search", "gpu"}).steps.empty());
    EXPECT_TRUE(run_to_end(work().wanted(at(1))).value().empty());
}

TEST_P(WorkRepositoryTest, ALeaseIsGoodForItsAgentAndOnce) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    const auto lease = claim_one().lease;
    auto stolen = completion(lease);
    stolen.agent_id = "thief";
    EXPECT_EQ(reason(finish(stolen)), "plan.lease_of_another");
    EXPECT_EQ(reason(finish(completion("none"))), "plan.lease_unknown");
    const auto first = finish(completion(lease, "1"), 2), again = finish(completion(lease, "2"), 3);
    ASSERT_TRUE(first && again);
    EXPECT_TRUE(again->again);
    EXPECT_EQ(again->attempt, first->attempt);
    EXPECT_EQ(again->took, first->took);
    EXPECT_EQ(find_step("p", "a").result, "1");
    EXPECT_EQ(find("p").tally.completed, 1);
    EXPECT_EQ(reason(finish(failure(lease))), "plan.illegal_move");
    EXPECT_EQ(reason(renew(lease, at(4))), "plan.lease_lost");
}

TEST_P(WorkRepositoryTest, AFailureIsTriedAgainLaterAndThenForGood) {
    auto thrice = step("a");
    thrice.max_attempts = 3;
    ASSERT_TRUE(add("p", {thrice, step("b", {"a"}), step("c", {"b"}), step("free")}));
    ASSERT_TRUE(run_to_end(plans().cancel_step("p", "free", "ada", at(0))));
    rules.retry_first = seconds(4);
    auto failed = finish(failure(claim_one(1).lease), 2);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->state, StepState::ready);
    EXPECT_TRUE(claim(10, 3).steps.empty()) << "it rests";
    EXPECT_EQ(find_step("p", "a").error, "it broke");
    ASSERT_TRUE(finish(failure(claim_one(7).lease), 8));
    EXPECT_TRUE(claim(10, 11).steps.empty()) << "for longer";
    failed = finish(failure(claim_one(17).lease), 18);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->state, StepState::failed);
    EXPECT_EQ(state("p", "b"), StepState::skipped);
    EXPECT_EQ(state("p", "c"), StepState::skipped);
    EXPECT_EQ(find("p").state, PlanState::failed);
    const auto attempts = run_to_end(plans().attempts("p", "a")).value();
    ASSERT_EQ(attempts.size(), 3U);
    EXPECT_EQ(attempts[2].error, "it broke");
}

TEST_P(WorkRepositoryTest, WhatWillNeverWorkIsNotTriedAgain) {
    ASSERT_TRUE(add("p", {step("a"), step("b")}));
    const auto claims = claim();
    ASSERT_TRUE(finish(failure(claims.steps[0].step.lease, false)));
    EXPECT_EQ(state("p", "a"), StepState::failed);
    EXPECT_EQ(find("p").state, PlanState::running) << "what does not depend on it goes on";
    ASSERT_TRUE(finish(completion(claims.steps[1].step.lease)));
    EXPECT_EQ(find("p").state, PlanState::failed);
}

TEST_P(WorkRepositoryTest, ALeaseThatEndsGivesTheStepToOthers) {
    auto twice = step("a");
    twice.max_attempts = 2;
    ASSERT_TRUE(add("p", {twice}));
    const auto first = claim_one(0).lease;
    ASSERT_TRUE(renew(first, at(8)));
    EXPECT_EQ(run_to_end(work().end_expired(at(17)))->lost, 0U);
    const auto lost = run_to_end(work().end_expired(at(19)));
    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->lost, 1U);
    EXPECT_EQ(lost->failed, 0U);
    EXPECT_EQ(reason(finish(completion(first), 20)), "plan.lease_lost");
    EXPECT_EQ(reason(renew(first, at(20))), "plan.lease_lost");
    const auto second = claim_one(21);
    EXPECT_EQ(second.attempts, 2);
    EXPECT_EQ(run_to_end(work().end_expired(at(40)))->failed, 1U);
    EXPECT_EQ(find("p").state, PlanState::failed);
}

TEST_P(WorkRepositoryTest, AStepMayTakeItsTimeAndNoLonger) {
    auto quick = step("a");
    quick.timeout = seconds(3);
    ASSERT_TRUE(add("p", {quick}));
    const auto claimed = claim_one(0);
    EXPECT_EQ(claimed.lease_expires_at, at(3));
    const auto renewed = renew(claimed.lease, at(2));
    ASSERT_TRUE(renewed);
    EXPECT_EQ(renewed->expires_at, at(3));
    EXPECT_EQ(reason(renew(claimed.lease, at(3))), "plan.lease_lost");
    EXPECT_EQ(run_to_end(work().end_expired(at(4)))->timed_out, 1U);
    EXPECT_EQ(run_to_end(plans().attempts("p", "a")).value()[0].state, AttemptState::timed_out);
    EXPECT_EQ(state("p", "a"), StepState::ready);
}

TEST_P(WorkRepositoryTest, WhatWasAcknowledgedCountsOnceHoweverLateItComes) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    auto late = completion(claim_one(0).lease, "1");
    late.late = true;
    ASSERT_TRUE(run_to_end(work().end_expired(at(20))));
    const auto other = claim_one(21);
    const auto counted = finish(late, 22);
    ASSERT_TRUE(counted) << describe(counted.error());
    EXPECT_EQ(counted->state, StepState::completed);
    EXPECT_EQ(reason(finish(completion(other.lease, "2"), 23)), "plan.lease_lost");
    EXPECT_EQ(find_step("p", "a").result, "1");
    EXPECT_TRUE(finish(late, 24)->again);
    EXPECT_EQ(find("p").tally.completed, 1);
    // And one whose step was finished by another meanwhile.
    auto slow = completion(claim_one(25).lease, "3");
    slow.late = true;
    ASSERT_TRUE(run_to_end(work().end_expired(at(50))));
    ASSERT_TRUE(finish(completion(claim_one(51).lease, "4"), 52));
    const auto beaten = finish(slow, 53);
    ASSERT_TRUE(beaten);
    EXPECT_FALSE(beaten->state);
    EXPECT_EQ(find_step("p", "b").result, "4");
    EXPECT_EQ(find("p").tally.completed, 2);
}

TEST_P(WorkRepositoryTest, ALeaseIsOfOneStepWhateverThePathSays) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    ASSERT_TRUE(add("q", {step("other")}));
    const auto lease = claim(1).steps[0].step.lease;
    auto done = completion(lease);
    done.plan_id = "p";
    done.step_id = "b";
    done.expand = {step("x")};
    EXPECT_EQ(reason(finish(done)), "plan.lease_of_other_step");
    done.plan_id = "q";
    done.step_id = "a";
    EXPECT_EQ(reason(finish(done)), "plan.lease_of_other_step");
    LeaseNamed named{.lease = lease, .agent_id = "agent", .plan_id = "p", .step_id = "b"};
    EXPECT_EQ(reason(run_to_end(work().renew(named, at(2)))), "plan.lease_of_other_step");
    EXPECT_EQ(find("p").tally.steps, 2);
    done.plan_id = "p";
    ASSERT_TRUE(finish(done));
    EXPECT_EQ(find_step("p", "a:x").parent, "a") << "named by the lease's step";
}

TEST_P(WorkRepositoryTest, WhatNobodyCanDoStandsBeforeNobody) {
    std::vector<NewStep> steps;
    for (int i = 0; i < 1'100; ++i) {
        steps.push_back(step("s" + std::to_string(i)));
        steps.back().capabilities = {"a", "b-" + std::to_string(i)};
    }
    auto mine = step("mine");
    mine.capabilities = {"a", "z"};
    auto other = step("other");
    other.capabilities = {"z"};
    steps.push_back(mine);
    steps.push_back(other);
    ASSERT_TRUE(add("p", std::move(steps)));
    EXPECT_EQ(claim(10, 1, {"a", "y", "z"}).steps.size(), 2U);
}

TEST(NextWithin, GoesThroughAllThatIsHad) {
    const std::vector<std::string> sorted{"a", "c"};
    EXPECT_EQ(next_within(sorted, ""), "a");
    EXPECT_EQ(next_within(sorted, "a"), "a c");
    EXPECT_EQ(next_within(sorted, "a b"), "a c");
    EXPECT_EQ(next_within(sorted, "a c"), "c");
    EXPECT_EQ(next_within(sorted, "a d"), "c");
    EXPECT_EQ(next_within(sorted, "b x"), "c");
    EXPECT_EQ(next_within(sorted, "c"), std::nullopt);
    EXPECT_EQ(next_within({}, ""), std::nullopt);
}

TEST_P(WorkRepositoryTest, ALeaseGoesForwardAlone) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto lease = claim_one(0).lease;
    ASSERT_TRUE(renew(lease, at(20)));
    const auto late = renew(lease, at(5));
    ASSERT_TRUE(late);
    EXPECT_EQ(late->expires_at, at(30));
    EXPECT_EQ(find_step("p", "a").lease_expires_at, at(30));
    ASSERT_TRUE(run_to_end(work().end_expired(at(40))));
    Renewal owed{.lease = lease, .plan_id = "p", .step_id = "a", .expires_at = at(90)};
    ASSERT_TRUE(run_to_end(work().renew_all({owed})));
    EXPECT_FALSE(find_step("p", "a").lease_expires_at) << "it is over";
}

TEST_P(WorkRepositoryTest, WhoIsShutOutIsGivenNothing) {
    ASSERT_TRUE(add("p", {step("a")}));
    Claim wanted{.agent_id = "agent", .capabilities = {}, .max = 1};
    wanted.admit = [](storage::Session&, std::string) -> Task<Result<void>> {
        co_return fail(ErrorKind::permission_denied, "agent.shut_out");
    };
    EXPECT_EQ(reason(run_to_end(work().claim(wanted, at(1)))), "agent.shut_out");
    EXPECT_EQ(state("p", "a"), StepState::ready);
}

TEST_P(WorkRepositoryTest, WhatNobodyHeardOfIsNoAttempt) {
    ASSERT_TRUE(add("p", {step("a")}));
    auto claims = claim(10, 1);
    const auto stirs = run_to_end(work().put_back(std::move(claims.steps), at(2)));
    ASSERT_TRUE(stirs) << describe(stirs.error());
    ASSERT_EQ(stirs->size(), 1U);
    EXPECT_EQ(stirs->front().ready, 1U);
    EXPECT_EQ(stirs->front().leases.size(), 1U);
    EXPECT_EQ(claim_one(3).attempts, 1);
}

TEST_P(WorkRepositoryTest, APauseEndsNoRest) {
    auto twice = step("a");
    twice.max_attempts = 2;
    ASSERT_TRUE(add("p", {twice}));
    rules.retry_first = seconds(60);
    ASSERT_TRUE(finish(failure(claim_one(1).lease), 2));
    ASSERT_TRUE(run_to_end(plans().pause("p", "user:ada", at(3))));
    const auto resumed = run_to_end(plans().resume("p", "user:ada", at(4)));
    ASSERT_TRUE(resumed);
    EXPECT_EQ(resumed->stir.ready, 0U);
    EXPECT_TRUE(claim(10, 5).steps.empty());
    EXPECT_EQ(claim(10, 80).steps.size(), 1U);
}

TEST_P(WorkRepositoryTest, ConditionsDecideOnWhatEarlierStepsFound) {
    auto high = step("alert", {"fetch"}), low = step("archive", {"fetch"});
    high.condition = R"({"step":"fetch","path":"/pm10","op":"gt","value":50})";
    low.condition = R"({"not":{"step":"fetch","path":"/pm10","op":"gt","value":50}})";
    auto join = step("report", {"alert", "archive"});
    join.join = Join::any;
    ASSERT_TRUE(add("p", {step("fetch"), high, low, join, step("audit", {"alert", "archive"})}));
    ASSERT_TRUE(finish(completion(claim_one().lease, R"({"pm10":81})")));
    EXPECT_EQ(state("p", "alert"), StepState::ready);
    EXPECT_EQ(state("p", "archive"), StepState::skipped);
    EXPECT_EQ(state("p", "audit"), StepState::skipped) << "which wants all";
    ASSERT_TRUE(finish(completion(claim_one(3).lease), 4));
    ASSERT_TRUE(finish(completion(claim_one(5).lease), 6));
    EXPECT_EQ(state("p", "report"), StepState::completed);
    EXPECT_EQ(find("p").state, PlanState::completed);
    EXPECT_EQ(find("p").tally.skipped, 2);
}

TEST_P(WorkRepositoryTest, AnAgentThatIsShutOutLosesItsLeases) {
    ASSERT_TRUE(add("p", {step("a"), step("b")}));
    ASSERT_EQ(claim().steps.size(), 2U);
    auto end = [](storage::Session& session) {
        return WorkRepository::end_of_agent(session, "agent", at(2));
    };
    const auto ended = run_to_end(database->write(std::move(end)));
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->lost, 2U);
    EXPECT_EQ(claim(10, 3).steps.size(), 2U);
}

TEST_P(WorkRepositoryTest, ManyStepsSkippedInARowAreOneTransaction) {
    std::vector<NewStep> chain{step("s0")};
    for (int i = 1; i < 500; ++i)
        chain.push_back(step("s" + std::to_string(i), {"s" + std::to_string(i - 1)}));
    ASSERT_TRUE(add("p", std::move(chain)));
    ASSERT_TRUE(finish(failure(claim_one().lease, false)));
    EXPECT_EQ(find("p").tally.skipped, 499);
    EXPECT_EQ(find("p").state, PlanState::failed);
}

}  // namespace
}  // namespace gh::plan
