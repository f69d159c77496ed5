#include "vault/rotation/rotation.hpp"

#include <gtest/gtest.h>

namespace gh::vault::rotation {
namespace {

SystemTime at(std::int64_t second) { return SystemTime(seconds(1'000'000'000 + second)); }

Rotation overlapping() {
    Rotation rotation;
    rotation.state = State::overlap;
    rotation.rule.overlap = seconds(100);
    rotation.rule.hold_max = seconds(1'000);
    rotation.current_version = 2;
    rotation.previous_version = 1;
    rotation.overlap_ends_at = at(100);
    return rotation;
}

const std::vector<Consumer> nobody;
const std::vector<Consumer> somebody{{.name = "user:ada", .version = 1, .used_at = at(0)}};

TEST(RotationSteps, BeginWhenDue) {
    Rotation rotation;
    EXPECT_EQ(decide(rotation, nobody, at(0)).step, Step::nothing);
    EXPECT_FALSE(decide(rotation, nobody, at(0)).wake_at);
    rotation.due_at = at(10);
    EXPECT_EQ(decide(rotation, nobody, at(9)).wake_at, at(10));
    EXPECT_EQ(decide(rotation, nobody, at(10)).step, Step::begin);
    rotation.state = State::pending;
    EXPECT_EQ(decide(rotation, nobody, at(0)).step, Step::apply);
    rotation.state = State::retiring;
    EXPECT_EQ(decide(rotation, nobody, at(0)).step, Step::retire);
}

TEST(RotationSteps, EndAnOverlapOrHoldIt) {
    auto rotation = overlapping();
    EXPECT_EQ(decide(rotation, nobody, at(99)).wake_at, at(100));
    EXPECT_EQ(decide(rotation, nobody, at(100)).step, Step::retire);
    EXPECT_EQ(decide(rotation, somebody, at(99)).step, Step::nothing);
    EXPECT_EQ(decide(rotation, somebody, at(100)).wake_at, at(105)) << "other nodes may have news";
    EXPECT_EQ(decide(rotation, somebody, at(105)).step, Step::hold);
    rotation.rule.hold_max = seconds(0);
    EXPECT_EQ(decide(rotation, somebody, at(100)).step, Step::retire);
    rotation = overlapping();
    rotation.rolled_back = true;
    EXPECT_EQ(decide(rotation, somebody, at(100)).step, Step::retire) << "no hold upon a hold";
}

TEST(RotationSteps, EndAHoldAsTheRuleSays) {
    auto rotation = overlapping();
    rotation.state = State::held;
    rotation.held_until = at(1'100);
    EXPECT_EQ(decide(rotation, somebody, at(200)).wake_at, at(205));
    EXPECT_EQ(decide(rotation, somebody, at(1'099)).wake_at, at(1'100));
    EXPECT_EQ(decide(rotation, nobody, at(200)).step, Step::retire);
    EXPECT_EQ(decide(rotation, somebody, at(1'100)).step, Step::retire);
    rotation.rule.after_hold = AfterHold::roll_back;
    EXPECT_EQ(decide(rotation, somebody, at(1'100)).step, Step::roll_back);
    EXPECT_EQ(decide(rotation, nobody, at(1'100)).step, Step::retire);
}

TEST(RotationSteps, DoWhatSomebodySays) {
    for (const auto state : {State::overlap, State::held}) {
        auto rotation = overlapping();
        rotation.state = state;
        rotation.held_until = at(1'100);
        rotation.verdict = Verdict::proceed;
        EXPECT_EQ(decide(rotation, somebody, at(1)).step, Step::retire);
        rotation.verdict = Verdict::roll_back;
        EXPECT_EQ(decide(rotation, nobody, at(1)).step, Step::roll_back);
    }
}

TEST(RotationConsumers, LagWhoHasNotReadTheNewVersion) {
    auto rotation = overlapping();
    const auto long_ago = at(0) - consumer_seen_max;
    const std::vector<Consumer> seen{{.name = "a", .version = 1, .used_at = at(0)},
                                     {.name = "b", .version = 2, .used_at = at(0)},
                                     {.name = "c", .version = 1, .used_at = long_ago},
                                     {.name = "d", .version = 3, .used_at = at(0)}};
    const auto names = [&](SystemTime now) {
        std::string all;
        for (const auto& each : lagging(rotation, seen, now)) all += each.name;
        return all;
    };
    EXPECT_EQ(names(at(0)), "a");
    EXPECT_EQ(names(long_ago), "ac");
    rotation.rule.consumers = {"b", "c", "e"};
    EXPECT_EQ(names(at(0)), "ce") << "who is named counts however long ago, and where never seen";
    rotation.previous_version = 0;
    EXPECT_EQ(names(at(0)), "");
}

TEST(RotationPauses, GrowUpToAQuarterOfAnHour) {
    EXPECT_EQ(pause_after(1), seconds(5));
    EXPECT_EQ(pause_after(2), seconds(10));
    EXPECT_EQ(pause_after(5), seconds(80));
    EXPECT_EQ(pause_after(9), seconds(900));
    EXPECT_EQ(pause_after(4'000'000'000U), seconds(900));
}

TEST(Rotation, APasswordThatNobodyReadsYetIsNotLeftWaiting) {
    Rotation rotation;
    rotation.failures = 12;
    rotation.state = State::pending;
    rotation.rule.generator.kind = Kind::postgresql;
    rotation.rule.generator.roles = {"a"};
    EXPECT_EQ(pause_after(rotation, "storage.commit_unknown"), seconds(5));
    EXPECT_EQ(pause_after(rotation, "rotation.unsettled"), seconds(5));
    EXPECT_EQ(pause_after(rotation, "storage.connection"), seconds(60));
    rotation.failures = 1;
    EXPECT_EQ(pause_after(rotation, "storage.connection"), seconds(5));
    rotation.failures = 12;
    rotation.rule.generator.roles = {"a", "b"};
    EXPECT_EQ(pause_after(rotation, "storage.commit_unknown"), seconds(900));
}

}  // namespace
}  // namespace gh::vault::rotation
