#include "net/work_pool.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "net/run_task.hpp"

namespace gh::net {
namespace {

using Text = Result<std::string>;

/// Begins a task that nobody awaits: it ends when `task` is destroyed, wherever it is.
template <class T>
void begin(Task<T>& task) {
    task.operator co_await().await_suspend(std::noop_coroutine()).resume();
}

/// A piece of work that says when it has begun and goes on when it may.
struct Gate {
    std::latch begun{1};
    std::latch open{1};
    void pass() {
        begun.count_down();
        open.wait();
    }
};

Task<Text> pass_gate(const WorkPool& pool, std::shared_ptr<Gate> gate) {
    auto work = [gate = std::move(gate)]() -> Text {
        gate->pass();
        return "passed";
    };
    co_return co_await pool.run(std::move(work));
}

Task<> note(Task<Text> task, std::vector<std::string>& notes, Loop& loop, std::size_t stop_at) {
    const auto answer = co_await std::move(task);
    notes.emplace_back(answer ? *answer : answer.error().reason);
    if (notes.size() == stop_at) loop.stop();
}

Task<Text> say(const WorkPool& pool, std::string word) {
    auto work = [word = std::move(word)]() -> Text { return word; };
    co_return co_await pool.run(std::move(work));
}

Task<Result<void>> compare_threads(const WorkPool& pool) {
    const auto mine = std::this_thread::get_id();
    auto work = []() -> Result<std::thread::id> {
        EXPECT_EQ(Loop::current(), nullptr);
        return std::this_thread::get_id();
    };
    GH_CO_TRY(const auto theirs, co_await pool.run(work));
    EXPECT_NE(theirs, mine);
    EXPECT_EQ(std::this_thread::get_id(), mine);
    co_return Result<void>{};
}

TEST(WorkPool, WorksOnItsThreadAndResumesOnTheLoops) {
    const WorkPool pool({.threads = 2, .name = "a name longer than the kernel keeps"});
    EXPECT_TRUE(run_to_end(compare_threads(pool)));
}

Task<Text> own_captures(const WorkPool& pool, std::weak_ptr<std::string>& watched) {
    auto text = std::make_shared<std::string>("captured by value, longer than small strings hold");
    watched = text;
    auto work = [text = std::move(text)]() -> Text { return *text; };
    auto answer = co_await pool.run(std::move(work));
    EXPECT_TRUE(watched.expired());  // destroyed before we go on
    co_return answer;
}

TEST(WorkPool, DestroysWhatTheWorkCapturedBeforeItAnswers) {
    const WorkPool pool({});
    std::weak_ptr<std::string> watched;
    EXPECT_EQ(run_to_end(own_captures(pool, watched)).value(),
              "captured by value, longer than small strings hold");
}

Task<Text> refuse(const WorkPool& pool) {
    auto work = []() -> Text { return fail(ErrorKind::not_found, "test.nothing"); };
    co_return co_await pool.run(work);
}

Task<Text> blunder(const WorkPool& pool) {
    auto work = []() -> Text { throw std::runtime_error("a bug"); };
    co_return co_await pool.run(work);
}

TEST(WorkPool, HandsOnErrorsAndExceptions) {
    const WorkPool pool({});
    EXPECT_EQ(run_to_end(refuse(pool)).error().reason, "test.nothing");
    EXPECT_THROW((void)run_to_end(blunder(pool)), std::runtime_error);
    EXPECT_EQ(run_to_end(say(pool, "and works on")).value(), "and works on");
}

TEST(WorkPool, WithoutThreadsIsABug) {
    EXPECT_THROW(WorkPool({.threads = 0}), std::invalid_argument);
}

TEST(WorkPool, RefusesAtOnceWhatTheQueueCannotHold) {
    const WorkPool pool({.threads = 1, .queue_max = 2});
    Loop loop;
    auto gate = std::make_shared<Gate>();
    std::vector<std::string> notes;
    loop.post([&] {
        spawn(note(pass_gate(pool, gate), notes, loop, 4));
        gate->begun.wait();
        spawn(note(say(pool, "second"), notes, loop, 4));
        spawn(note(say(pool, "third"), notes, loop, 4));
        EXPECT_EQ(pool.running(), 1U);
        EXPECT_EQ(pool.queued(), 2U);
        EXPECT_TRUE(notes.empty());
        spawn(note(say(pool, "fourth"), notes, loop, 4));
        EXPECT_EQ(notes, std::vector<std::string>{"work.queue_full"});
        gate->open.count_down();
    });
    loop.run();
    EXPECT_EQ(notes, (std::vector<std::string>{"work.queue_full", "passed", "second", "third"}));
    EXPECT_EQ(pool.running(), 0U);
    EXPECT_EQ(pool.queued(), 0U);
}

TEST(WorkPool, WithoutAQueueTakesWhatAThreadIsFreeFor) {
    const WorkPool pool({.threads = 2, .queue_max = 0});
    Loop loop;
    auto first = std::make_shared<Gate>(), second = std::make_shared<Gate>();
    std::vector<std::string> notes;
    loop.post([&] {
        spawn(note(pass_gate(pool, first), notes, loop, 3));
        spawn(note(pass_gate(pool, second), notes, loop, 3));
        spawn(note(say(pool, "third"), notes, loop, 3));
        first->open.count_down();
        second->open.count_down();
    });
    loop.run();
    EXPECT_EQ(notes, (std::vector<std::string>{"work.queue_full", "passed", "passed"}));
}

TEST(WorkPool, ForgetsTheWorkOfACoroutineThatIsGone) {
    const WorkPool pool({.threads = 1, .queue_max = 1});
    Loop loop;
    auto gate = std::make_shared<Gate>();
    std::vector<std::string> notes;
    loop.post([&] {
        std::optional running(pass_gate(pool, gate));
        begin(*running);
        gate->begun.wait();
        std::optional queued(say(pool, "never"));
        begin(*queued);
        EXPECT_EQ(pool.queued(), 1U);
        queued.reset();
        EXPECT_EQ(pool.queued(), 0U);  // its place is free at once
        spawn(note(say(pool, "heard"), notes, loop, 1));
        running.reset();  // in the hands of a thread: it ends unheard
        gate->open.count_down();
    });
    loop.run();
    EXPECT_EQ(notes, std::vector<std::string>{"heard"});
}

TEST(WorkPool, AnswersWhatItHasNotBegunWhenItIsDestroyed) {
    std::optional<WorkPool> pool(WorkPool::Options{.threads = 1});
    Loop loop;
    auto gate = std::make_shared<Gate>();
    std::vector<std::string> notes;
    loop.post([&] {
        auto late = say(*pool, "late");
        spawn(note(pass_gate(*pool, gate), notes, loop, 4));
        gate->begun.wait();
        spawn(note(say(*pool, "second"), notes, loop, 4));
        spawn(note(say(*pool, "third"), notes, loop, 4));
        std::jthread opener([&] {
            while (pool->queued() != 0)
                std::this_thread::yield();  // until the destructor is at work
            gate->open.count_down();
        });
        pool.~optional();
        opener.join();
        std::construct_at(&pool);
        spawn(note(std::move(late), notes, loop, 4));
    });
    loop.run();
    EXPECT_EQ(notes,
              (std::vector<std::string>{"work.stopped", "work.stopped", "work.stopped", "passed"}));
}

TEST(WorkPool, OutlivesALoopThatWaitsForIt) {
    auto gate = std::make_shared<Gate>();
    const WorkPool pool({.threads = 1});
    std::vector<Task<Text>> waiting;
    {
        Loop loop;
        loop.post([&] {
            waiting.push_back(pass_gate(pool, gate));
            waiting.push_back(say(pool, "queued"));
            for (auto& task : waiting) begin(task);
            gate->begun.wait();
            loop.stop();
        });
        loop.run();
    }
    gate->open.count_down();
    EXPECT_EQ(run_to_end(say(pool, "another loop")).value(), "another loop");
}

TEST(WorkPool, NeedsARunningLoop) {
    const WorkPool pool({});
    std::vector<std::string> notes;
    Loop loop;
    spawn(note(say(pool, "nowhere"), notes, loop, 2));
    EXPECT_EQ(notes, std::vector<std::string>{"work.no_loop"});
}

struct Tally {
    std::atomic<int> begun = 0;
    int heard = 0, ended = 0;  // of one loop's thread
};

/// Refused by a full queue, it tries again until it has been served.
Task<> one_of_many(const WorkPool& pool, Tally& tally, Loop& loop, int number, int until) {
    for (bool served = false; !served;) {
        co_await Sleep(loop, std::chrono::microseconds(number % 7 * 100));
        auto work = [&tally, text = std::to_string(number)]() -> Text {
            ++tally.begun;
            return text;
        };
        const auto answer = co_await pool.run(std::move(work));
        served = answer.has_value();
        EXPECT_EQ(served ? *answer : answer.error().reason,
                  served ? std::to_string(number) : "work.queue_full");
    }
    ++tally.heard;
    if (++tally.ended == until) loop.stop();
}

/// Waits for work and is destroyed in the turn after, so that some of it is queued, some running, some done.
Task<> gone_soon(const WorkPool& pool, Tally& tally, Loop& loop, int until) {
    {
        auto gone = say(pool, "unheard");
        begin(gone);
        co_await Sleep(loop, std::chrono::microseconds(tally.ended % 3 * 50));
    }
    if (++tally.ended == until) loop.stop();
}

TEST(WorkPool, ServesManyLoops) {
    constexpr int each = 300, gone = 100;
    std::array<Tally, 4> tallies;
    const WorkPool pool({.threads = 3, .queue_max = 100});
    {
        std::vector<std::jthread> threads;
        for (auto& tally : tallies) {
            threads.emplace_back([&pool, &tally] {
                Loop loop;
                loop.post([&] {
                    for (int i = 0; i < each; ++i) {
                        spawn(one_of_many(pool, tally, loop, i, each + gone));
                        if (i < gone) spawn(gone_soon(pool, tally, loop, each + gone));
                    }
                });
                loop.run();
            });
        }
    }
    for (const auto& tally : tallies) {
        EXPECT_EQ(tally.heard, each);
        EXPECT_EQ(tally.begun, each);
    }
    EXPECT_EQ(pool.queued(), 0U);
}

}  // namespace
}  // namespace gh::net
