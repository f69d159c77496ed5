#pragma once

// Threads for work that blocks or burns: hashing a password, a library without a non-blocking face. A loop's thread does
// neither, or everybody on it waits.

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"

namespace gh::net {

namespace detail {

class WorkQueue;

/// One piece of work and its answer; shared by the waiting coroutine, the queue and the thread that does it.
class Job {
 public:
    explicit Job(std::shared_ptr<Mailbox> home) : home_(std::move(home)) {}
    virtual ~Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    /// Does the work and destroys what it captured.
    virtual void work() noexcept = 0;
    /// Destroys what it captured, undone.
    virtual void drop() noexcept = 0;

    /// Tells the coroutine, on its own loop, that there is an answer.
    static void answer(std::shared_ptr<Job> job);

 private:
    friend class WorkWait;
    const std::shared_ptr<Mailbox> home_;
    // Of the loop's thread alone:
    Wakeup* waiter_ = nullptr;  // null once the coroutine is gone
    bool answered_ = false;
};

template <class F>
class JobOf final : public Job {
 public:
    using Answer = std::invoke_result_t<F&>;

    JobOf(std::shared_ptr<Mailbox> home, F work) : Job(std::move(home)), work_(std::move(work)) {}

    void work() noexcept override {
        try {
            result_.emplace(std::invoke(*work_));
        } catch (...) {
            exception_ = std::current_exception();
        }
        work_.reset();
    }
    void drop() noexcept override { work_.reset(); }

    /// After the answer; no result: the pool was destroyed before the work began.
    Answer take() {
        if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
        if (!result_)
            return fail(ErrorKind::unavailable, "work.stopped",
                        "the pool was stopped before this work began");
        return *std::move(result_);
    }

 private:
    std::optional<F> work_;
    std::optional<Answer> result_;
    std::exception_ptr exception_;
};

/// The coroutine's side. Destroyed early, it takes its job out of the queue, or lets go of the answer.
class WorkWait {
 public:
    WorkWait(Loop& loop, std::shared_ptr<WorkQueue> queue, std::shared_ptr<Job> job);
    ~WorkWait();
    WorkWait(const WorkWait&) = delete;
    WorkWait& operator=(const WorkWait&) = delete;

    [[nodiscard]] Result<void> submit();
    [[nodiscard]] bool answered() const { return job_->answered_; }
    [[nodiscard]] Wakeup::Awaiter answer() { return wakeup_.wait(); }

 private:
    Wakeup wakeup_;
    std::shared_ptr<WorkQueue> queue_;
    std::shared_ptr<Job> job_;
};

template <class F>
Task<std::invoke_result_t<F&>> do_work(std::shared_ptr<WorkQueue> queue, F work) {
    Loop* const loop = Loop::current();
    if (loop == nullptr)
        co_return fail(ErrorKind::internal, "work.no_loop", "awaited where no loop runs");
    auto job = std::make_shared<JobOf<F>>(loop->mailbox(), std::move(work));
    WorkWait wait(*loop, std::move(queue), job);
    GH_CO_TRY_VOID(wait.submit());
    while (!wait.answered()) co_await wait.answer();
    co_return job->take();
}

}  // namespace detail

/// A bounded pool of threads, used from coroutines.
class WorkPool {
 public:
    struct Options {
        std::size_t threads = 1;     ///< at least one
        std::size_t queue_max = 64;  ///< works that may wait for a thread; beyond: refused at once
        std::string name = "work";   ///< of the threads, of which the kernel keeps 15 characters
    };

    /// Throws std::invalid_argument without threads, std::system_error when they cannot be started.
    explicit WorkPool(Options options);
    /// Waits for the works that have begun; the others are answered `unavailable` "work.stopped".
    ~WorkPool();
    WorkPool(const WorkPool&) = delete;
    WorkPool& operator=(const WorkPool&) = delete;

    /// Calls `work` once, on a thread of the pool; the coroutine that awaits this goes on, on its own loop, with what
    /// `work` returned or threw. `work` is destroyed before that, on either thread: what it captures it owns, or
    /// outlives it. Name it, then move it in: `auto hash = [...] {...}; co_await pool.run(std::move(hash));`
    ///
    /// A coroutine destroyed meanwhile takes its work out of the queue; work that has begun runs to its end, unheard.
    /// Loop and pool may go in any order. There is no deadline: work must end by itself.
    ///
    /// @param work  callable without arguments that returns a Result
    /// @return      that Result, or `exhausted` "work.queue_full", `unavailable` "work.stopped", `internal`
    ///              "work.no_loop" when no loop runs on the calling thread
    template <class F>
    [[nodiscard]] Task<std::invoke_result_t<F&>> run(F work) const {
        return detail::do_work(queue_, std::move(work));
    }

    /// Works that wait for a thread.
    [[nodiscard]] std::size_t queued() const;
    /// Works that a thread does.
    [[nodiscard]] std::size_t running() const;

 private:
    std::shared_ptr<detail::WorkQueue> queue_;
    std::vector<std::jthread> threads_;
};

}  // namespace gh::net
