#include "net/staple.hpp"

#include <gtest/gtest.h>

namespace gh::net {
namespace {

const SystemTime now{seconds(1'700'000'000)};

TEST(Staple, IsShownWhileItIsGood) {
    Staple staple;
    EXPECT_EQ(staple.at(now), nullptr) << "nothing was said yet";
    staple.put("good", now + seconds(10));
    ASSERT_NE(staple.at(now), nullptr);
    EXPECT_EQ(*staple.at(now + seconds(9)), "good");
    EXPECT_EQ(staple.at(now + seconds(10)), nullptr);
}

TEST(Staple, WhoHasItKeepsItWhenItIsTakenAway) {
    Staple staple;
    staple.put("good", now + seconds(10));
    const auto held = staple.at(now);
    staple.put("better", now + seconds(10));
    EXPECT_EQ(*staple.at(now), "better");
    staple.take_away();
    EXPECT_EQ(staple.at(now), nullptr);
    EXPECT_EQ(*held, "good");
}

}  // namespace
}  // namespace gh::net
