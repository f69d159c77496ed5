#include "balance/endpoint_health.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gh::balance {
namespace {

const SteadyTime start(seconds(1000));

TEST(EndpointHealth, IsHealthyUntilEnoughChecksFailInARow) {
    EndpointHealth health({.unhealthy_after = 3, .healthy_after = 2});
    EXPECT_TRUE(health.healthy(start));
    EXPECT_FALSE(health.check_failed());
    EXPECT_FALSE(health.check_failed());
    EXPECT_FALSE(health.check_passed());  // begins the count anew
    EXPECT_FALSE(health.check_failed());
    EXPECT_FALSE(health.check_failed());
    EXPECT_TRUE(health.healthy(start));
    EXPECT_TRUE(health.check_failed());
    EXPECT_FALSE(health.healthy(start));
    EXPECT_FALSE(health.check_failed());  // no change
}

TEST(EndpointHealth, ComesBackAfterEnoughChecksPassInARow) {
    EndpointHealth health({.unhealthy_after = 1, .healthy_after = 2});
    EXPECT_TRUE(health.check_failed());
    EXPECT_FALSE(health.check_passed());
    EXPECT_FALSE(health.check_failed());
    EXPECT_FALSE(health.check_passed());
    EXPECT_FALSE(health.healthy(start));
    EXPECT_TRUE(health.check_passed());
    EXPECT_TRUE(health.healthy(start));
    EXPECT_FALSE(health.check_passed());
}

TEST(EndpointHealth, IsLeftAloneAfterRefusedConnectionsInARow) {
    EndpointHealth health({.eject_after = 3, .eject_for = milliseconds(10'000)});
    EXPECT_FALSE(health.connect_failed(start));
    EXPECT_FALSE(health.connect_failed(start));
    health.connect_succeeded();  // begins the count anew
    EXPECT_FALSE(health.connect_failed(start));
    EXPECT_FALSE(health.connect_failed(start));
    EXPECT_FALSE(health.ejected(start));
    EXPECT_TRUE(health.connect_failed(start));
    EXPECT_TRUE(health.ejected(start + milliseconds(9'999)));
    EXPECT_TRUE(health.checked_healthy());
    EXPECT_FALSE(health.healthy(start));
    EXPECT_TRUE(health.healthy(start + seconds(10)));
}

TEST(EndpointHealth, IsLeftAloneLongerEachTimeUpToALimit) {
    EndpointHealth health({.eject_after = 2,
                           .eject_for = milliseconds(10'000),
                           .eject_for_max = milliseconds(60'000)});
    auto now = start;
    health.connect_failed(now);
    for (const int pause : {10, 20, 40, 60, 60}) {
        EXPECT_TRUE(health.connect_failed(now));  // one is enough after the first time
        EXPECT_FALSE(health.connect_failed(now + seconds(1))) << "dialled before, said after";
        EXPECT_TRUE(health.ejected(now + seconds(pause) - milliseconds(1)));
        now += seconds(pause);
        EXPECT_FALSE(health.ejected(now));
    }
    health.connect_succeeded();
    EXPECT_FALSE(health.connect_failed(now));
    EXPECT_TRUE(health.connect_failed(now));
    EXPECT_FALSE(health.ejected(now + seconds(10)));
}

TEST(EndpointHealth, ComesBackEarlyWhenChecksPassAgain) {
    EndpointHealth health(
        {.healthy_after = 2, .eject_after = 1, .eject_for = milliseconds(10'000)});
    for (int i = 0; i < 5; ++i) health.check_passed();
    EXPECT_TRUE(health.connect_failed(start));
    health.check_passed();
    EXPECT_TRUE(health.ejected(start));
    health.check_passed();
    EXPECT_TRUE(health.healthy(start));
}

TEST(EndpointHealth, IsNeverEjectedWhereThatIsOff) {
    EndpointHealth health({.eject_after = 0});
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(health.connect_failed(start));
    EXPECT_TRUE(health.healthy(start));
}

TEST(EndpointHealth, CountsRefusalsOfAllThreads) {
    for (int round = 0; round < 50; ++round) {
        EndpointHealth health({.eject_after = 8});
        std::atomic<int> ejections = 0;
        {
            std::vector<std::jthread> threads;
            for (int t = 0; t < 2; ++t) {
                threads.emplace_back([&] {
                    for (int i = 0; i < 4; ++i) {
                        ejections += health.connect_failed(start);
                        static_cast<void>(health.healthy(start));
                    }
                });
            }
        }
        EXPECT_EQ(ejections, 1);
        EXPECT_TRUE(health.ejected(start));
    }
}

}  // namespace
}  // namespace gh::balance
