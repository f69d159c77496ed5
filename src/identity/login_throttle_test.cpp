#include "identity/login_throttle.hpp"

#include <gtest/gtest.h>

namespace gh::identity {
namespace {

using std::chrono::hours;

class LoginThrottleTest : public testing::Test {
 protected:
    void fail(int times, std::string_view name = "ann", std::string_view network = "192.0.2.1") {
        for (int i = 0; i < times; ++i) throttle.failed(name, network, now);
    }
    std::optional<milliseconds> wait(std::string_view name = "ann",
                                     std::string_view network = "192.0.2.1") {
        return throttle.wait_of(name, network, now);
    }
    LoginThrottle throttle;
    SteadyTime now{std::chrono::hours(1'000)};
};

TEST_F(LoginThrottleTest, WaitsDoubleAfterAFewFailures) {
    fail(4);
    EXPECT_FALSE(wait());
    fail(1);
    EXPECT_EQ(wait(), milliseconds(1'000));
    EXPECT_EQ(wait("ANN"), milliseconds(1'000));  // the same person
    now += milliseconds(1'000);
    EXPECT_FALSE(wait());
    fail(1);
    EXPECT_EQ(wait(), milliseconds(2'000));
    fail(20);
    EXPECT_EQ(wait(), milliseconds(15 * 60'000));
}

TEST_F(LoginThrottleTest, WhoGuessesLocksNobodyOutElsewhere) {
    fail(30);
    EXPECT_TRUE(wait());
    EXPECT_FALSE(wait("ann", "198.51.100.7"));
    EXPECT_FALSE(wait("bob"));
}

TEST_F(LoginThrottleTest, OnePasswordOnEverybodyIsSlowToo) {
    for (int i = 0; i < 50; ++i) fail(1, "user" + std::to_string(i));
    EXPECT_TRUE(wait("anybody"));
    EXPECT_FALSE(wait("anybody", "198.51.100.7"));
    throttle.succeeded("user1", "192.0.2.1", now);
    EXPECT_TRUE(wait("anybody"));
}

TEST_F(LoginThrottleTest, ForgetsWithSuccessAndWithTime) {
    fail(5);
    throttle.succeeded("ann", "192.0.2.1", now);
    EXPECT_FALSE(wait());
    fail(4);
    EXPECT_FALSE(wait());
    now += hours(2);
    fail(4);
    EXPECT_FALSE(wait());
}

TEST_F(LoginThrottleTest, WhoGuessesNamesKeepsNobodyOutWhoHasTheirAddress) {
    const std::string_view nat = "192.0.2.1";
    throttle.succeeded("ann", nat, now);
    int tried = 0, let_in = 0;
    for (int second = 0; second < 3'600; ++second, now += milliseconds(1'000)) {
        for (int i = 0; i < 3; ++i) {
            const auto name = "n" + std::to_string(tried++);
            if (!throttle.begin(name, nat, now)) continue;
            throttle.failed(name, nat, now);
            ++let_in;
        }
        ASSERT_TRUE(throttle.begin("ann", nat, now)) << "she has signed in from there before";
    }
    EXPECT_GE(let_in, 3'600);  // one a second...
    EXPECT_LT(let_in, 3'700);  // ...and those that every network has
    EXPECT_FALSE(throttle.begin("bob", nat, now - milliseconds(1)));
    EXPECT_TRUE(throttle.begin("bob", nat, now)) << "new there, and quicker this once";
    EXPECT_FALSE(throttle.begin("eve", nat, now + milliseconds(999)));
    EXPECT_FALSE(throttle.begin("n0", nat, now + std::chrono::minutes(10))) << "failed with before";
    fail(5);
    EXPECT_FALSE(throttle.begin("ann", nat, now)) << "her own failures count";
}

TEST_F(LoginThrottleTest, StaysWithinItsMemory) {
    LoginThrottle small({.entries_max = 10});
    for (int i = 0; i < 1'000; ++i) small.failed("n" + std::to_string(i), std::to_string(i), now);
    EXPECT_EQ(small.size(), 10U);
    for (int i = 0; i < 1'000; ++i) small.succeeded("s" + std::to_string(i), "192.0.2.1", now);
    EXPECT_EQ(small.size(), 10U);
    for (int i = 0; i < 5; ++i) small.failed(std::string(10'000, 'x'), "", now);
    EXPECT_TRUE(small.wait_of(std::string(10'000, 'x'), "", now));
}

TEST(LoginThrottle, LetsANetworkMakeAFewAttemptsAtOnce) {
    LoginThrottle throttle({.at_once = 2});
    const SteadyTime now{};
    auto first = throttle.begin("ada", "192.0.2.1", now);
    ASSERT_TRUE(first);
    {
        const auto second = throttle.begin("bob", "192.0.2.1", now);
        ASSERT_TRUE(second);
        EXPECT_FALSE(throttle.begin("eve", "192.0.2.1", now));
        EXPECT_TRUE(throttle.begin("eve", "192.0.2.2", now));
    }
    const auto moved = *std::move(first);
    const auto third = throttle.begin("eve", "192.0.2.1", now);
    EXPECT_TRUE(third);
    EXPECT_FALSE(throttle.begin("eve", "192.0.2.1", now));
}

}  // namespace
}  // namespace gh::identity
