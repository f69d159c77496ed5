#include "plan/expand.hpp"

#include "plan/new_plan.hpp"
#include "plan/testing.hpp"

namespace gh::plan {
namespace {

class ExpandTest : public PlansTest {};
INSTANTIATE_TEST_SUITE_P(Engines, ExpandTest, storage::both_engines, storage::engine_name);

TEST_P(ExpandTest, AStepBecomesOthersForWhichItsDependantsWait) {
    ASSERT_TRUE(add("p", {step("split"), step("join", {"split"})}));
    auto done = completion(claim_one().lease);
    done.expand = {step("x"), step("y", {"x"})};
    const auto finished = finish(done);
    ASSERT_TRUE(finished) << describe(finished.error());
    EXPECT_EQ(find("p").tally.steps, 4);
    EXPECT_EQ(state("p", "join"), StepState::pending);
    const auto x = claim(10, 3);
    ASSERT_EQ(x.steps.size(), 1U);
    EXPECT_EQ(x.steps[0].step.id, "split:x");
    EXPECT_EQ(x.steps[0].step.parent, "split");
    ASSERT_EQ(x.steps[0].inputs.size(), 1U);
    EXPECT_EQ(x.steps[0].inputs[0].step_id, "split");
    ASSERT_TRUE(finish(completion(x.steps[0].step.lease), 4));
    ASSERT_TRUE(finish(completion(claim_one(5).lease), 6));
    const auto join = claim(10, 7);
    ASSERT_EQ(join.steps.size(), 1U);
    EXPECT_EQ(join.steps[0].inputs.size(), 3U);
    ASSERT_TRUE(finish(completion(join.steps[0].step.lease), 8));
    EXPECT_EQ(find("p").state, PlanState::completed);
}

TEST_P(ExpandTest, ConditionsOfStepsThatAStepBecomesAskAboutThose) {
    // A planned step bears the name that the condition says.
    auto planned = step("x");
    planned.approval = true;
    ASSERT_TRUE(add("p", {step("split"), planned}));
    auto done = completion(claim_one().lease, R"({"n":3})");
    auto yes = step("yes", {"x"}), no = step("no", {"x"}), parent = step("parent");
    yes.condition = R"({"step":"x","path":"/n","op":"eq","value":1})";
    no.condition = R"({"not":{"all":[{"step":"x","path":"/n","op":"eq","value":1}]}})";
    parent.condition = R"({"step":"split","path":"/n","op":"eq","value":3})";
    done.expand = {step("x"), yes, no, parent};
    ASSERT_FALSE(check_steps(done.expand, {}, "split"));
    ASSERT_TRUE(check_steps(done.expand, {}));
    ASSERT_TRUE(finish(done));
    EXPECT_EQ(state("p", "split:parent"), StepState::ready);
    for (const auto& claimed : claim(10, 3).steps)
        if (claimed.step.id == "split:x") {
            ASSERT_TRUE(finish(completion(claimed.step.lease, R"({"n":1})"), 4));
        }
    EXPECT_EQ(state("p", "split:yes"), StepState::ready);
    EXPECT_EQ(state("p", "split:no"), StepState::skipped);
    EXPECT_EQ(state("p", "x"), StepState::waiting);
}

TEST_P(ExpandTest, AJoinOfStepsThatAStepBecomesWaitsForThose) {
    ASSERT_TRUE(add("p", {step("split")}));
    auto done = completion(claim_one().lease);
    auto any = step("any", {"x", "y"});
    any.join = Join::any;
    done.expand = {step("x"), step("y"), any};
    ASSERT_TRUE(finish(done));
    EXPECT_EQ(state("p", "split:any"), StepState::pending);
    const auto claims = claim(10, 3);
    ASSERT_EQ(claims.steps.size(), 2U);
    ASSERT_TRUE(finish(completion(claims.steps[0].step.lease), 4));
    EXPECT_EQ(state("p", "split:any"), StepState::ready);
}

TEST_P(ExpandTest, AnExpansionIsBoundedAndRefusedAsAWhole) {
    rules.steps_max = 2;
    ASSERT_TRUE(add("p", {step("split"), step("join", {"split"})}));
    const auto lease = claim_one().lease;
    auto done = completion(lease);
    done.expand = {step("x")};
    EXPECT_EQ(reason(finish(done)), "plan.too_many_steps");
    EXPECT_EQ(state("p", "split"), StepState::running);
    EXPECT_TRUE(finish(completion(lease)));
}

TEST_P(ExpandTest, WhatIsTooMuchWasAcknowledgedAndEndsItsStep) {
    rules.steps_max = 2;
    ASSERT_TRUE(add("p", {step("split"), step("join", {"split"})}));
    auto late = completion(claim_one().lease);
    late.expand = {step("x")};
    late.late = true;
    const auto done = finish(late);
    ASSERT_TRUE(done) << describe(done.error());
    EXPECT_EQ(done->state, StepState::failed);
    EXPECT_EQ(find_step("p", "split").error, "it became more than a plan may have");
    EXPECT_EQ(find_step("p", "split").result, "{}") << "what was found is kept";
    EXPECT_EQ(run_to_end(plans().attempts("p", "split")).value()[0].state, AttemptState::failed);
    EXPECT_EQ(find("p").state, PlanState::failed);
    EXPECT_EQ(find("p").tally.steps, 2);
}

TEST_P(ExpandTest, ExpansionsTogetherAreBounded) {
    std::vector<NewStep> steps{step("one"), step("two")};
    for (int i = 0; i < 600; ++i) steps.push_back(step("w" + std::to_string(i), {"one", "two"}));
    ASSERT_TRUE(add("p", std::move(steps)));
    std::vector<NewStep> children;
    for (int i = 0; i < 60; ++i) children.push_back(step("x" + std::to_string(i)));
    const auto claims = claim(2);
    ASSERT_EQ(claims.steps.size(), 2U);
    auto first = completion(claims.steps[0].step.lease);
    first.expand = children;
    const auto done = finish(std::move(first));
    ASSERT_TRUE(done) << describe(done.error());
    auto second = completion(claims.steps[1].step.lease);
    second.expand = std::move(children);
    EXPECT_EQ(reason(finish(std::move(second))), "plan.too_many_dependencies");
    EXPECT_EQ(state("p", "two"), StepState::running);
}

}  // namespace
}  // namespace gh::plan
