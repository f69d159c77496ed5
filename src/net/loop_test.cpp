#include "net/loop.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/task.hpp"

namespace gh::net {
namespace {

using std::chrono::milliseconds;

Task<> note_after(Loop& loop, milliseconds delay, std::string name, std::vector<std::string>& notes,
                  bool last) {
    co_await Sleep(loop, delay);
    notes.push_back(std::move(name));
    if (last) loop.stop();
}

TEST(Loop, ResumesByDeadlineNotByOrderOfArrival) {
    Loop loop;
    std::vector<std::string> notes;
    spawn(note_after(loop, milliseconds(30), "third", notes, true));
    spawn(note_after(loop, milliseconds(10), "first", notes, false));
    spawn(note_after(loop, milliseconds(20), "second", notes, false));
    loop.run();
    EXPECT_EQ(notes, (std::vector<std::string>{"first", "second", "third"}));
}

Task<> wait_for_deadline(Loop& loop, Wakeup& wakeup, SteadyTime& woken) {
    while (!wakeup.expired()) co_await wakeup.wait();
    woken = loop.now();
    loop.stop();
}

TEST(Wakeup, ADeadlineMovedLaterFiresAtTheLaterTime) {
    Loop loop;
    Wakeup wakeup(loop);
    SteadyTime woken;
    const auto start = loop.now();
    wakeup.expire_at(start + milliseconds(5));
    wakeup.expire_at(start + milliseconds(40));
    spawn(wait_for_deadline(loop, wakeup, woken));
    loop.run();
    EXPECT_GE(woken - start, milliseconds(40));
}

TEST(Wakeup, ADeadlineMovedEarlierFiresAtTheEarlierTime) {
    Loop loop;
    Wakeup wakeup(loop);
    SteadyTime woken;
    const auto start = loop.now();
    wakeup.expire_at(start + std::chrono::hours(1));
    wakeup.expire_at(start + milliseconds(5));
    spawn(wait_for_deadline(loop, wakeup, woken));
    loop.run();
    EXPECT_LT(woken - start, std::chrono::minutes(1));
}

Task<> count_wakes(Loop& loop, Wakeup& wakeup, int& count, int until) {
    while (count < until) {
        co_await wakeup.wait();
        ++count;
    }
    loop.stop();
}

TEST(Wakeup, IsResumedOnceATurnHoweverOftenItIsWoken) {
    Loop loop;
    Wakeup wakeup(loop);
    int count = 0;
    spawn(count_wakes(loop, wakeup, count, 2));
    loop.post([&] {
        wakeup.wake();
        wakeup.wake();
        wakeup.wake();
        loop.post([&] {
            EXPECT_EQ(count, 1);
            wakeup.wake();
        });
    });
    loop.run();
    EXPECT_EQ(count, 2);
}

TEST(Wakeup, RemembersAWakeThatCameBeforeTheWait) {
    Loop loop;
    Wakeup wakeup(loop);
    int count = 0;
    wakeup.wake();
    loop.post([&] { spawn(count_wakes(loop, wakeup, count, 1)); });
    loop.run();
    EXPECT_EQ(count, 1);
}

TEST(Loop, ManyDeadlinesComeInOrderAndDestroyedOnesNot) {
    Loop loop;
    std::vector<std::unique_ptr<Wakeup>> gone;
    for (int i = 0; i < 500; ++i) {
        gone.push_back(std::make_unique<Wakeup>(loop));
        gone.back()->expire_at(loop.now() + milliseconds((i * 7919) % 50));
    }
    for (std::size_t i = 0; i < gone.size(); i += 2) gone[i].reset();
    std::vector<std::string> notes;
    spawn(note_after(loop, milliseconds(60), "end", notes, true));
    loop.run();
    EXPECT_EQ(notes.size(), 1U);
}

TEST(Loop, RunsWhatOtherThreadsPost) {
    Loop loop;
    int sum = 0;
    std::jthread other([&] {
        for (int i = 1; i <= 100; ++i) loop.post([&sum, i] { sum += i; });
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(sum, 5050);
}

struct SocketPair {
    SocketPair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()) != 0)
            ends = {-1, -1};
    }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair() {
        for (const int end : ends) ::close(end);
    }
    std::array<int, 2> ends{-1, -1};
};

/// Reads one byte a wake-up: three from the first, the rest from where the library went next.
Task<> read_byte_by_byte(Loop& loop, BorrowedDescriptor& watch, Wakeup& wakeup, int next,
                         std::string& read) {
    while (read.size() < 5) {
        co_await wakeup.wait();
        if (!std::exchange(watch.readable, false)) continue;
        char byte = 0;
        if (::read(watch.fd(), &byte, 1) == 1) read += byte;
        if (read.size() == 3) watch.follow(next);
    }
    loop.stop();
}

TEST(BorrowedDescriptor, TellsAgainOfWhatWasLeftUnread) {
    Loop loop;
    const SocketPair first;
    const SocketPair second;
    Wakeup wakeup(loop);
    BorrowedDescriptor watch(loop, first.ends[0]);
    watch.notify(&wakeup);
    watch.want(true, false);
    ASSERT_EQ(::write(first.ends[1], "abc", 3), 3);
    ASSERT_EQ(::write(second.ends[1], "de", 2), 2);
    std::string read;
    spawn(read_byte_by_byte(loop, watch, wakeup, second.ends[0], read));
    loop.run();
    EXPECT_EQ(read, "abcde");
}

TEST(Loop, IsTheCurrentOneOfItsThreadWhileItRuns) {
    Loop loop;
    Loop* on_its_thread = nullptr;
    Loop* on_another = &loop;
    EXPECT_EQ(Loop::current(), nullptr);
    loop.post([&] {
        on_its_thread = Loop::current();
        std::jthread([&] { on_another = Loop::current(); }).join();
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(on_its_thread, &loop);
    EXPECT_EQ(on_another, nullptr);
    EXPECT_EQ(Loop::current(), nullptr);
}

TEST(Mailbox, DropsWhatComesWhenTheLoopIsGone) {
    std::shared_ptr<Mailbox> mailbox;
    auto captured = std::make_shared<int>(0);
    const std::weak_ptr<int> watched = captured;
    bool called = false;
    {
        Loop loop;
        mailbox = loop.mailbox();
        mailbox->post([&called, held = captured] { called = true; });  // no turn comes for it
    }
    EXPECT_EQ(captured.use_count(), 1);
    mailbox->post([&called, held = std::move(captured)] { called = true; });
    EXPECT_TRUE(watched.expired());
    EXPECT_FALSE(called);
}

}  // namespace
}  // namespace gh::net
