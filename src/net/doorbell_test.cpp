#include "net/doorbell.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "base/task.hpp"

namespace gh::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Waits at `name` until it is rung for, or two seconds; the last of `waiting` stops the loop.
Task<> wait_at(Doorbell& bell, Loop& loop, std::string name, std::optional<bool>& rung,
               int& waiting) {
    {
        Wakeup wakeup(loop);
        const Doorbell::Visitor visit(bell, std::move(name), wakeup);
        wakeup.expire_at(loop.now() + seconds(2));
        co_await wakeup.wait();
        rung = !wakeup.expired();
    }
    if (--waiting == 0) loop.stop();
}

TEST(DoorbellTest, WakesWhoWaitsAtThatNameAndNobodyElse) {
    Doorbell bell;
    Loop loop;
    std::optional<bool> ada, bob;
    int waiting = 2;
    loop.post([&] {
        spawn(wait_at(bell, loop, "ada", ada, waiting));
        spawn(wait_at(bell, loop, "bob", bob, waiting));
        bell.ring("carol");
        bell.ring("ada");
        loop.post([&] {
            loop.post([&] {
                EXPECT_EQ(ada, true);
                EXPECT_EQ(bob, std::nullopt);
                EXPECT_EQ(bell.names(9), std::vector<std::string>{"bob"});
                bell.ring_all();
            });
        });
    });
    loop.run();
    EXPECT_EQ(bob, true);
    EXPECT_TRUE(bell.names(9).empty());
}

TEST(DoorbellTest, IsHeardFromOtherThreads) {
    Doorbell bell;
    Loop loop;
    std::optional<bool> rung;
    int waiting = 1;
    std::atomic<bool> over = false;
    loop.post([&] { spawn(wait_at(bell, loop, "ada", rung, waiting)); });
    std::jthread other([&] {
        while (!over) {
            bell.ring("ada");
            std::this_thread::yield();
        }
    });
    loop.run();
    over = true;
    EXPECT_EQ(rung, true);
}

TEST(DoorbellTest, ARingForSomebodyWhoHasLeftWakesNobody) {
    Doorbell bell;
    Loop loop;
    loop.post([&] {
        {
            Wakeup wakeup(loop);
            const Doorbell::Visitor visit(bell, "ada", wakeup);
            bell.ring("ada");  // is in the mailbox when the visit is over
        }
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    EXPECT_TRUE(bell.names(9).empty());
}

TEST(DoorbellTest, SeveralWaitAtOneName) {
    Doorbell bell;
    Loop loop;
    std::optional<bool> first, second;
    int waiting = 2;
    loop.post([&] {
        spawn(wait_at(bell, loop, "ada", first, waiting));
        spawn(wait_at(bell, loop, "ada", second, waiting));
        bell.ring("ada");
    });
    loop.run();
    EXPECT_EQ(first, true);
    EXPECT_EQ(second, true);
    EXPECT_TRUE(bell.names(0).empty());
}

}  // namespace
}  // namespace gh::net
