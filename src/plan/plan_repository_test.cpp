#include "plan/plan_repository.hpp"

#include "plan/testing.hpp"

namespace gh::plan {
namespace {

class PlanRepositoryTest : public PlansTest {};
INSTANTIATE_TEST_SUITE_P(Engines, PlanRepositoryTest, storage::both_engines, storage::engine_name);

TEST_P(PlanRepositoryTest, KeepsAPlanAsItCame) {
    NewPlan wanted;
    wanted.id = "test_research_plan_20251022_163846";
    wanted.name = "Air over the valley";
    wanted.metadata = R"({"z":1.50,"a":"\u00e4","nested":{"k":[]}})";
    wanted.fingerprint = "f";
    wanted.created_by = "user:ada";
    wanted.trace = "{}";
    auto fetch = step("fetch");
    fetch.type = "data_retrieval";
    fetch.name = "Query Environmental Data";
    fetch.metadata = R"({"source":"pm10"})";
    fetch.capabilities = {"web", "search"};
    fetch.timeout = milliseconds(1'500);
    fetch.max_attempts = 5;
    wanted.steps = {fetch, step("analyse", {"fetch"})};
    const auto made = run_to_end(plans().add(wanted, at(0)));
    ASSERT_TRUE(made) << describe(made.error());
    EXPECT_TRUE(made->is_new);
    EXPECT_EQ(made->stir.ready, 1U);
    const auto plan = find(wanted.id);
    EXPECT_EQ(plan.metadata, wanted.metadata);
    EXPECT_EQ(plan.state, PlanState::pending);
    EXPECT_EQ(plan.tally.steps, 2);
    EXPECT_EQ(plan.created_at, at(0));
    const auto kept = find_step(wanted.id, "fetch");
    EXPECT_EQ(kept.type, "data_retrieval");
    EXPECT_EQ(kept.name, fetch.name);
    EXPECT_EQ(kept.metadata, fetch.metadata);
    EXPECT_EQ(kept.needs, "search web");
    EXPECT_EQ(kept.timeout, fetch.timeout);
    EXPECT_EQ(kept.max_attempts, 5);
    EXPECT_EQ(kept.state, StepState::ready);
    EXPECT_EQ(state(wanted.id, "analyse"), StepState::pending);
    EXPECT_EQ(run_to_end(plans().dependencies(wanted.id, "analyse")).value(),
              std::vector<std::string>{"fetch"});
    EXPECT_EQ(told(wanted.id), "plan.pending step.ready(fetch)");
}

TEST_P(PlanRepositoryTest, TakesTheSameBodyTwiceAndNoOtherByItsName) {
    ASSERT_TRUE(add("p", {step("a")}));
    const auto again = add("p", {step("a")});
    ASSERT_TRUE(again);
    EXPECT_FALSE(again->is_new);
    NewPlan other;
    other.id = "p";
    other.steps = {step("b")};
    other.fingerprint = "another";
    EXPECT_EQ(reason(run_to_end(plans().add(other, at(1)))), "plan.exists");
    EXPECT_EQ(run_to_end(plans().steps("p", 0, 10)).value().size(), 1U);
}

TEST_P(PlanRepositoryTest, ListsByTimeAndState) {
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(add("p" + std::to_string(i), {step("a")}, i));
    ASSERT_TRUE(run_to_end(plans().cancel("p3", "ada", at(9))));
    const auto ids = [&](const PlanPage& page) {
        std::string text;
        const auto found = run_to_end(plans().list(page)).value();
        for (const auto& plan : found) text += plan.id + " ";
        return text;
    };
    EXPECT_EQ(ids({}), "p4 p3 p2 p1 p0 ");
    PlanPage page{.oldest_first = true, .limit = 2};
    EXPECT_EQ(ids(page), "p0 p1 ");
    page.after = {at(1), "p1"};
    EXPECT_EQ(ids(page), "p2 p3 ");
    page.state = PlanState::pending;
    EXPECT_EQ(ids(page), "p2 p4 ");
    page.oldest_first = false;
    EXPECT_EQ(ids(page), "p0 ");
    EXPECT_EQ(reason(run_to_end(plans().find("nobody"))), "plan.unknown");
    EXPECT_EQ(reason(run_to_end(plans().find_step("p1", "b"))), "plan.step_unknown");
}

TEST_P(PlanRepositoryTest, CancellingEndsWhatHasNotEndedAndOnce) {
    ASSERT_TRUE(add("p", {step("a"), step("b"), step("c", {"a"})}));
    const auto claimed = claim(1);
    ASSERT_TRUE(run_to_end(plans().cancel("p", "user:ada", at(2))));
    const auto plan = find("p");
    EXPECT_EQ(plan.state, PlanState::cancelled);
    EXPECT_EQ(plan.tally.cancelled, 3);
    EXPECT_EQ(plan.duration, milliseconds(1'000));
    for (const auto* id : {"a", "b", "c"}) EXPECT_EQ(state("p", id), StepState::cancelled);
    EXPECT_EQ(run_to_end(plans().attempts("p", "a")).value()[0].state, AttemptState::cancelled);
    EXPECT_EQ(reason(finish(completion(claimed.steps[0].step.lease))), "plan.lease_lost");
    const auto events = told("p");
    for (const auto& again : {run_to_end(plans().cancel("p", "user:ada", at(3))),
                              run_to_end(plans().pause("p", "user:ada", at(3))),
                              run_to_end(plans().resume("p", "user:ada", at(3))),
                              run_to_end(plans().cancel_step("p", "a", "user:ada", at(3))),
                              run_to_end(plans().decide("p", "a", true, "u", "", at(3)))})
        EXPECT_EQ(reason(again), "plan.illegal_move");
    EXPECT_EQ(told("p"), events) << "what is refused leaves nothing behind";
    EXPECT_TRUE(claim().steps.empty());
}

TEST_P(PlanRepositoryTest, AStepThatIsCancelledTakesWithItWhatDependsOnIt) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"}), step("c")}));
    ASSERT_TRUE(run_to_end(plans().cancel_step("p", "a", "user:ada", at(1))));
    EXPECT_EQ(state("p", "a"), StepState::cancelled);
    EXPECT_EQ(state("p", "b"), StepState::skipped);
    ASSERT_TRUE(finish(completion(claim_one().lease)));
    EXPECT_EQ(find("p").state, PlanState::cancelled);
}

TEST_P(PlanRepositoryTest, APausedPlanHandsOutNothingAndGoesOnWhereItWas) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"}), step("c")}));
    const auto claimed = claim(1);
    ASSERT_TRUE(run_to_end(plans().pause("p", "user:ada", at(2))));
    EXPECT_EQ(find("p").state, PlanState::paused);
    EXPECT_TRUE(claim().steps.empty());
    EXPECT_EQ(reason(run_to_end(plans().pause("p", "user:ada", at(2)))), "plan.illegal_move");
    ASSERT_TRUE(finish(completion(claimed.steps[0].step.lease)));
    EXPECT_EQ(state("p", "b"), StepState::pending);
    EXPECT_TRUE(claim().steps.empty());
    const auto resumed = run_to_end(plans().resume("p", "user:ada", at(3)));
    ASSERT_TRUE(resumed);
    EXPECT_EQ(resumed->stir.ready, 2U);
    EXPECT_EQ(find("p").state, PlanState::running);
    EXPECT_EQ(claim(10, 4).steps.size(), 2U);
}

TEST_P(PlanRepositoryTest, AStepWaitsForAPersonWhoApprovesOrRejects) {
    auto asked = step("publish", {"draft"});
    asked.approval = true;
    auto other = step("burn", {"draft"});
    other.approval = true;
    ASSERT_TRUE(add("p", {step("draft"), asked, other, step("after", {"burn"})}));
    ASSERT_TRUE(finish(completion(claim_one().lease)));
    EXPECT_EQ(state("p", "publish"), StepState::waiting);
    EXPECT_TRUE(claim(10, 3).steps.empty());
    const auto approved = run_to_end(plans().decide("p", "publish", true, "user:ada", "", at(4)));
    ASSERT_TRUE(approved) << describe(approved.error());
    EXPECT_EQ(find_step("p", "publish").approved_by, "user:ada");
    EXPECT_EQ(reason(run_to_end(plans().decide("p", "publish", true, "user:ada", "", at(4)))),
              "plan.illegal_move");
    ASSERT_TRUE(run_to_end(plans().decide("p", "burn", false, "user:ada", "no", at(4))));
    EXPECT_EQ(find_step("p", "burn").error, "rejected by user:ada: no");
    EXPECT_EQ(state("p", "after"), StepState::skipped);
    ASSERT_TRUE(finish(completion(claim_one(5).lease)));
    EXPECT_EQ(find("p").state, PlanState::failed);
}

TEST_P(PlanRepositoryTest, CountsWhatThereIs) {
    ASSERT_TRUE(add("p", {step("a"), step("b", {"a"})}));
    ASSERT_TRUE(add("q", {step("a")}));
    ASSERT_TRUE(run_to_end(plans().cancel("q", "ada", at(1))));
    const auto counted = run_to_end(plans().count());
    ASSERT_TRUE(counted);
    const auto of = [&](auto state) { return static_cast<std::size_t>(state); };
    EXPECT_EQ(counted->plans[of(PlanState::pending)], 1);
    EXPECT_EQ(counted->plans[of(PlanState::cancelled)], 1);
    EXPECT_EQ(counted->steps[of(StepState::ready)], 1);
    EXPECT_EQ(counted->steps[of(StepState::pending)], 1);
    EXPECT_EQ(counted->steps[of(StepState::cancelled)], 1);
}

}  // namespace
}  // namespace gh::plan
