#include "profile/stall_watch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/task.hpp"

namespace gh::profile {

/// Works until `enough`, and not for ever. Named in the test, so outside any anonymous namespace.
[[gnu::noinline]] void burn_until(const std::function<bool()>& enough) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    std::atomic<std::uint64_t> turns{0};
    while (!enough() && std::chrono::steady_clock::now() < deadline) {
        for (int i = 0; i < 100'000; ++i) turns.fetch_add(1, std::memory_order_relaxed);
    }
}

Task<void> coroutine_that_spins(net::Loop& loop, std::function<bool()> enough) {
    co_await net::Sleep(loop, milliseconds(1));
    burn_until(enough);
}

/// The one that is resumed: what it waits for is another, which then hands on to it.
Task<void> spin_and_stop(net::Loop& loop, std::function<bool()> enough, milliseconds rest) {
    co_await coroutine_that_spins(loop, std::move(enough));
    co_await net::Sleep(loop, rest);  // the watch sees that it is over
    loop.stop();
}

namespace {

constexpr milliseconds rest{300};

struct Watching {
    telemetry::NoLog nothing;
    telemetry::Log log{nothing};
    telemetry::Registry registry;
    Names names;
    net::Loop loop;
    StallWatch watch;

    explicit Watching(StallWatch::Options options = {})
        : watch({&loop}, names, registry, log, options) {}

    /// So many stalls are known, the last one with its stack.
    std::function<bool()> known(std::uint64_t number) {
        return [this, number] {
            const auto stalls = watch.stalls();
            return !stalls.empty() && stalls.back().number >= number &&
                   !stalls.back().stack.empty();
        };
    }
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
    house.loop.post([&] { spawn(spin_and_stop(house.loop, house.known(1), rest)); });
    house.loop.run();
    const auto stalls = house.watch.stalls();
    ASSERT_GE(stalls.size(), 1U);
    const auto& stall = stalls.front();
    EXPECT_TRUE(stall.name.contains("gh::profile::coroutine_that_spins(")) << stall.name;
    EXPECT_TRUE(stall.name.ends_with(" [coroutine]")) << stall.name;
    EXPECT_TRUE(stall.over);
    EXPECT_EQ(stall.worker, 0U);
    EXPECT_GE(stall.held, milliseconds(50));
    EXPECT_LE(stall.cpu, stall.held);
    ASSERT_FALSE(stall.stack.empty());
    EXPECT_TRUE(has(stall.stack, "gh::profile::burn_until(")) << stall.stack.front();
    EXPECT_TRUE(has(stall.stack, "gh::net::Loop::run()")) << "the walk ends at the loop";
    EXPECT_EQ(house.counted(), stalls.size());
}

TEST(StallWatch, LeavesWorkersAloneThatGetOn) {
    Watching house({.held_min = seconds(1)});
    house.loop.post(
        [&] { spawn(spin_and_stop(house.loop, [] { return true; }, milliseconds(1'500))); });
    house.loop.run();
    EXPECT_TRUE(house.watch.stalls().empty()) << "waiting for the kernel holds nobody";
    EXPECT_EQ(house.counted(), 0U);
}

TEST(StallWatch, TellsOfPostedCalls) {
    Watching house;
    house.loop.post([&] { burn_until(house.known(1)); });
    house.loop.post([&] { spawn(spin_and_stop(house.loop, [] { return true; }, rest)); });
    house.loop.run();
    const auto stalls = house.watch.stalls();
    ASSERT_GE(stalls.size(), 1U);
    EXPECT_EQ(stalls.front().name, "a posted call");
    EXPECT_TRUE(has(stalls.front().stack, "burn_until"));
}

TEST(StallWatch, KeepsTheLastOnes) {
    Watching house({.held_min = milliseconds(20), .kept_max = 2});
    for (std::uint64_t number = 1; number <= 4; ++number)
        house.loop.post([&house, number] { burn_until(house.known(number)); });
    house.loop.post([&] { spawn(spin_and_stop(house.loop, [] { return true; }, rest)); });
    house.loop.run();
    const auto stalls = house.watch.stalls();
    ASSERT_EQ(stalls.size(), 2U);
    EXPECT_EQ(stalls.back().number, stalls.front().number + 1);
    EXPECT_GE(stalls.back().number, 4U);
}

}  // namespace
}  // namespace gh::profile
