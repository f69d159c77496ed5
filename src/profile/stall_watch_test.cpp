#include "profile/stall_watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>

#include "base/task.hpp"

namespace gh::profile {

/// Burns processor time until `until`. Named in the test, so outside any anonymous namespace.
[[gnu::noinline]] void burn_until(SteadyTime until) {
    std::atomic<std::uint64_t> turns{0};
    while (std::chrono::steady_clock::now() < until) turns.fetch_add(1, std::memory_order_relaxed);
}

Task<void> coroutine_that_spins(net::Loop& loop, milliseconds duration) {
    co_await net::Sleep(loop, milliseconds(1));
    burn_until(std::chrono::steady_clock::now() + duration);
}

/// The one that is resumed: what it waits for is another, which then hands on to it.
Task<void> spin_and_stop(net::Loop& loop, milliseconds duration) {
    co_await coroutine_that_spins(loop, duration);
    co_await net::Sleep(loop, milliseconds(60));  // the watch sees that it is over
    loop.stop();
}

namespace {

struct Watching {
    telemetry::NoLog nothing;
    telemetry::Log log{nothing};
    telemetry::Registry registry;
    Names names;
    net::Loop loop;
    StallWatch watch{{&loop}, names, registry, log};

    std::uint64_t counted() {
        return registry
            .counter({.name = "gatehouse_worker_stalls_total",
                      .help = "How often something held a worker over 50 ms.",
                      .labels = {"worker"}})
            .with({"0"})
            .value();
    }
};

bool has(const std::vector<std::string>& stack, std::string_view part) {
    return std::ranges::any_of(stack, [&](const auto& name) { return name.contains(part); });
}

TEST(StallWatch, NamesACoroutineThatHoldsItsWorker) {
    Watching house;
    house.loop.post([&] { spawn(spin_and_stop(house.loop, milliseconds(300))); });
    house.loop.run();
    const auto stalls = house.watch.stalls();
    ASSERT_EQ(stalls.size(), 1U);
    const auto& stall = stalls.front();
    EXPECT_TRUE(stall.name.contains("gh::profile::coroutine_that_spins(")) << stall.name;
    EXPECT_TRUE(stall.name.ends_with(" [coroutine]")) << stall.name;
    EXPECT_TRUE(stall.over);
    EXPECT_EQ(stall.worker, 0U);
    EXPECT_GE(stall.held, milliseconds(250));
    EXPECT_GT(stall.cpu, milliseconds(0));
    EXPECT_LE(stall.cpu, stall.held);
    ASSERT_FALSE(stall.stack.empty());
    EXPECT_TRUE(has(stall.stack, "gh::profile::burn_until(")) << stall.stack.front();
    EXPECT_TRUE(has(stall.stack, "gh::net::Loop::run()")) << "the walk ends at the loop";
    EXPECT_EQ(house.counted(), 1U);
}

TEST(StallWatch, LeavesWorkersAloneThatGetOn) {
    Watching house;
    house.loop.post([&] { spawn(spin_and_stop(house.loop, milliseconds(5))); });
    house.loop.run();
    EXPECT_TRUE(house.watch.stalls().empty()) << "waiting for the kernel holds nobody";
    EXPECT_EQ(house.counted(), 0U);
}

TEST(StallWatch, TellsOfPostedCalls) {
    Watching house;
    house.loop.post(
        [] { burn_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(300)); });
    house.loop.post([&] { spawn(spin_and_stop(house.loop, milliseconds(0))); });
    house.loop.run();
    const auto stalls = house.watch.stalls();
    ASSERT_EQ(stalls.size(), 1U);
    EXPECT_EQ(stalls.front().name, "a posted call");
    EXPECT_TRUE(has(stalls.front().stack, "burn_until"));
}

TEST(StallWatch, KeepsTheLastOnes) {
    telemetry::NoLog nothing;
    telemetry::Log log(nothing);
    telemetry::Registry registry;
    Names names;
    net::Loop loop;
    StallWatch watch({&loop}, names, registry, log, {.held_min = milliseconds(20), .kept_max = 2});
    for (int i = 0; i < 4; ++i)
        loop.post([] { burn_until(std::chrono::steady_clock::now() + milliseconds(100)); });
    loop.post([&] { spawn(spin_and_stop(loop, milliseconds(0))); });
    loop.run();
    const auto stalls = watch.stalls();
    ASSERT_EQ(stalls.size(), 2U);
    EXPECT_EQ(stalls.back().number, stalls.front().number + 1);
    EXPECT_GE(stalls.back().number, 3U);
}

}  // namespace
}  // namespace gh::profile
