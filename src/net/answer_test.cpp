#include "net/answer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace gh::net {
namespace {

/// A coroutine that is started by hand and may be given up.
struct Started {
    struct promise_type {
        Started get_return_object() {
            return Started{std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

Started wait_for(Answer<std::string> answer, std::string& into) { into = co_await answer.wait(); }

TEST(Answer, ComesFromAnotherThreadAndWakesOnItsOwn) {
    Loop loop;
    std::string got;
    std::thread::id woken_on;
    std::jthread giver;
    auto wait = [](Loop& on, std::string& into, std::thread::id& where,
                   std::jthread& other) -> Task<> {
        const Answer<std::string> answer(on);
        other = std::jthread([give = answer.giver()]() mutable { give("here"); });
        into = co_await answer.wait();
        where = std::this_thread::get_id();
        on.stop();
    };
    loop.post([&] { spawn(wait(loop, got, woken_on, giver)); });
    loop.run();
    EXPECT_EQ(got, "here");
    EXPECT_EQ(woken_on, std::this_thread::get_id());
}

TEST(Answer, IsWaitedForUntilADeadlineAndStillComesAfterIt) {
    Loop loop;
    std::optional<std::string> early, later;
    auto wait = [](Loop& on, std::optional<std::string>& first,
                   std::optional<std::string>& second) -> Task<> {
        const Answer<std::string> answer(on);
        first = co_await answer.wait_until(on.now() + milliseconds(5));
        answer.giver()("late");
        second = co_await answer.wait_until(on.now() + seconds(60));
        on.stop();
    };
    loop.post([&] { spawn(wait(loop, early, later)); });
    loop.run();
    EXPECT_FALSE(early);
    EXPECT_EQ(later, "late");
}

TEST(Answer, MayComeBeforeAnyoneWaits) {
    Loop loop;
    std::string got;
    const Answer<std::string> answer(loop);
    answer.giver()("early");
    loop.post([&] {
        loop.post([&] {
            const auto started = wait_for(answer, got);
            EXPECT_TRUE(started.handle.done());
            started.handle.destroy();
            loop.stop();
        });
    });
    loop.run();
    EXPECT_EQ(got, "early");
}

TEST(Answer, IsDroppedWhenWhoWaitedHasGone) {
    Loop loop;
    std::string got = "nothing";
    loop.post([&] {
        const Answer<std::string> answer(loop);
        auto give = answer.giver();
        const auto started = wait_for(answer, got);
        EXPECT_FALSE(started.handle.done());
        started.handle.destroy();
        give("too late");
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    EXPECT_EQ(got, "nothing");
}

TEST(Answer, IsDroppedWhenTheLoopHasGone) {
    auto loop = std::make_unique<Loop>();
    const auto value = std::make_shared<int>(1);
    const Answer<std::shared_ptr<int>> answer(*loop);
    auto give = answer.giver();
    loop.reset();
    give(value);
    EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace gh::net
