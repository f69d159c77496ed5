#include "plan/leases.hpp"

#include <gtest/gtest.h>

namespace gh::plan {
namespace {

const SteadyTime start = SteadyTime(seconds(1'000));
const SystemTime wall = SystemTime(seconds(1'700'000'000));

HeldLease of_step(std::string step_id, SteadyTime heard = start) {
    return {.agent_id = "agent",
            .plan_id = "p",
            .step_id = std::move(step_id),
            .attempt = 1,
            .since = start,
            .heard = heard};
}

TEST(PlanLeases, AStepHasOne) {
    Leases leases;
    leases.add("first", of_step("a"));
    leases.add("other", of_step("b"));
    leases.add("second", of_step("a"));
    EXPECT_FALSE(leases.find("first"));
    EXPECT_TRUE(leases.find("second"));
    EXPECT_TRUE(leases.find("other"));
    leases.remove("second");
    EXPECT_EQ(leases.size(), 1U);
    EXPECT_FALSE(leases.owe("second", wall));
}

TEST(PlanLeases, WhatIsOwedIsOwedUntilTheLastOfItIsWritten) {
    Leases leases;
    leases.add("l", of_step("a"));
    ASSERT_TRUE(leases.owe("l", wall));
    const auto owed = leases.owed(10);
    ASSERT_EQ(owed.size(), 1U);
    EXPECT_EQ(owed[0].step_id, "a");
    ASSERT_TRUE(leases.owe("l", wall + seconds(1)));
    leases.settle(owed);
    ASSERT_EQ(leases.owed(10).size(), 1U) << "told since";
    leases.settle(leases.owed(10));
    EXPECT_TRUE(leases.owed(10).empty());
    ASSERT_TRUE(leases.owe("l", wall));
    leases.remove("l");
    EXPECT_TRUE(leases.owed(10).empty());
}

TEST(PlanLeases, ThoseOfSilentAgentsAreForgottenAndNoOthers) {
    Leases leases;
    leases.add("silent", of_step("a"));
    leases.add("beats", of_step("b"));
    leases.heard("beats", start + seconds(10));
    leases.forget(start + seconds(5));
    EXPECT_FALSE(leases.find("silent"));
    EXPECT_TRUE(leases.find("beats"));
}

TEST(PlanLeases, AreRememberedUpToALimit) {
    Leases leases;
    for (std::size_t i = 0; i <= Leases::leases_max; ++i)
        leases.add(std::to_string(i), of_step(std::to_string(i)));
    EXPECT_EQ(leases.size(), Leases::leases_max);
}

}  // namespace
}  // namespace gh::plan
