#include "plan/clock.hpp"

#include <gtest/gtest.h>

namespace gh::plan {
namespace {

const SystemTime wall = SystemTime(seconds(1'700'000'000));
const SteadyTime start = SteadyTime(seconds(1'000));

TEST(PlanClock, IsTheDatabasesHoweverThisMachinesClockStands) {
    Clock clock(wall + seconds(3'600), start);
    clock.set(wall, start, start + milliseconds(100));
    EXPECT_EQ(clock.now(start + milliseconds(100)), wall + milliseconds(50));
    EXPECT_EQ(clock.now(start + seconds(60)), wall + milliseconds(59'950));
}

TEST(PlanClock, NeverGoesBackAndGoesOnWithoutTheDatabase) {
    Clock clock(wall, start);
    clock.set(wall, start, start);
    clock.set(wall - seconds(600), start + seconds(10), start + seconds(10));
    EXPECT_EQ(clock.now(start + seconds(10)), wall + seconds(10)) << "it was set back";
    clock.set(wall + seconds(600), start + seconds(20), start + seconds(20));
    EXPECT_EQ(clock.now(start + seconds(21)), wall + seconds(601)) << "it was set forward";
}

TEST(PlanClock, BelievesNoAnswerThatWasLongOnItsWay) {
    Clock clock(wall, start);
    clock.set(wall, start, start);
    clock.set(wall + seconds(100), start, start + seconds(5));
    EXPECT_EQ(clock.now(start + seconds(5)), wall + seconds(5));
}

}  // namespace
}  // namespace gh::plan
