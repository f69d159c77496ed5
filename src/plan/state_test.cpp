#include "plan/state.hpp"

#include <gtest/gtest.h>

#include "plan/progress.hpp"
#include "plan/retry.hpp"

namespace gh::plan {
namespace {

TEST(PlanStates, AreSpeltOnceAndNothingLeavesAnEnd) {
    for (const auto state : plan_states) {
        EXPECT_EQ(plan_state_of(name_of(state)), state);
        EXPECT_FALSE(may_move(state, state));
        for (const auto to : plan_states)
            EXPECT_FALSE(is_end(state) && may_move(state, to)) << name_of(state);
        EXPECT_TRUE(is_end(state) || may_move(state, PlanState::cancelled)) << name_of(state);
    }
    EXPECT_FALSE(plan_state_of("Running"));
    EXPECT_FALSE(may_move(PlanState::running, PlanState::pending));
}

TEST(StepStates, AreSpeltOnceAndNothingLeavesAnEnd) {
    for (const auto state : step_states) {
        EXPECT_EQ(step_state_of(name_of(state)), state);
        EXPECT_FALSE(may_move(state, state));
        for (const auto to : step_states)
            EXPECT_FALSE(is_end(state) && may_move(state, to)) << name_of(state);
        EXPECT_TRUE(is_end(state) || may_move(state, StepState::cancelled)) << name_of(state);
    }
    EXPECT_EQ(name_of(StepState::pending), "pending");
    EXPECT_EQ(name_of(StepState::running), "running");
    EXPECT_EQ(name_of(StepState::completed), "completed");
    EXPECT_FALSE(may_move(StepState::pending, StepState::running)) << "nobody has claimed it";
    EXPECT_FALSE(may_move(StepState::ready, StepState::completed)) << "nobody has worked on it";
    EXPECT_FALSE(may_move(StepState::waiting, StepState::running)) << "nobody has approved it";
    for (const auto state : attempt_states) EXPECT_EQ(attempt_state_of(name_of(state)), state);
}

TEST(PlanStates, AreTheWorstOfItsStepsAtTheEnd) {
    Tally tally{.steps = 3};
    EXPECT_EQ(progress_of(tally), 0.0);
    tally.count(StepState::completed);
    EXPECT_NEAR(progress_of(tally), 33.333, 0.001);
    tally.count(StepState::skipped);
    EXPECT_FALSE(tally.over());
    tally.count(StepState::completed);
    EXPECT_TRUE(tally.over());
    EXPECT_EQ(progress_of(tally), 100.0);
    EXPECT_EQ(end_of(tally), PlanState::completed);
    EXPECT_EQ(end_of({.steps = 2, .completed = 1, .cancelled = 1}), PlanState::cancelled);
    EXPECT_EQ(end_of({.steps = 3, .completed = 1, .failed = 1, .cancelled = 1}), PlanState::failed);
    EXPECT_EQ(progress_of({}), 100.0);
}

TEST(Joins, BeginWithTheLastOrTheFirst) {
    struct Case {
        Join join;
        int open, done;
        bool ended_badly;
        Turn turn;
    };
    constexpr Case cases[] = {
        {Join::all, 1, 1, false, Turn::wait},  {Join::all, 0, 2, false, Turn::begin},
        {Join::all, 1, 0, true, Turn::skip},   {Join::all, 0, 1, true, Turn::skip},
        {Join::any, 1, 1, false, Turn::begin}, {Join::any, 1, 0, true, Turn::wait},
        {Join::any, 0, 0, true, Turn::skip},   {Join::any, 0, 1, true, Turn::begin},
    };
    for (const auto& c : cases) EXPECT_EQ(turn_of(c.join, c.open, c.done, c.ended_badly), c.turn);
}

TEST(Retries, RestTwiceAsLongEachTimeUpToABound) {
    const milliseconds first(1'000), most(8'000);
    EXPECT_EQ(retry_delay(1, first, most, 1.0), first);
    EXPECT_EQ(retry_delay(1, first, most, 0.0), milliseconds(500));
    EXPECT_EQ(retry_delay(3, first, most, 1.0), milliseconds(4'000));
    EXPECT_EQ(retry_delay(10, first, most, 1.0), most);
    EXPECT_EQ(retry_delay(1'000'000, first, most, 7.0), most);
}

}  // namespace
}  // namespace gh::plan
