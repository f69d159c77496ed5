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
#include "net/answer.hpp"
#include "net/loop.hpp"

namespace gh::net {

namespace detail {

class WorkQueue;

/// One piece of work, shared by the queue, the thread that does it and the coroutine that waits.
class Job {
 public:
    Job() = default;
    virtual ~Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    /// Does the work and destroys what it captured.
    virtual void work() noexcept = 0;
    /// Brings the outcome to the coroutine; that it was not done, when it was not.
    virtual void answer() = 0;
};

/// Neither result nor exception: not begun.
template <class R>
struct WorkOutcome {
    std::optional<R> result;
    std::exception_ptr exception;
};

template <class F>
class JobOf final : public Job {
 public:
    using Outcome = WorkOutcome<std::invoke_result_t<F&>>;

    JobOf(F work, Answer<Outcome>::Giver give) : work_(std::move(work)), give_(std::move(give)) {}

    void work() noexcept override {
        try {
            outcome_.result.emplace(std::invoke(*work_));
        } catch (...) {
            outcome_.exception = std::current_exception();
        }
        work_.reset();
    }
    void answer() override {
        work_.reset();
        give_(std::move(outcome_));
    }

 private:
    std::optional<F> work_;
    Outcome outcome_;
    Answer<Outcome>::Giver give_;
};

/// A job's place in the queue; given up when the coroutine goes.
class QueuePlace {
 public:
    QueuePlace(std::shared_ptr<WorkQueue> queue, std::shared_ptr<Job> job)
        : queue_(std::move(queue)), job_(std::move(job)) {}
    ~QueuePlace();
    QueuePlace(const QueuePlace&) = delete;
    QueuePlace& operator=(const QueuePlace&) = delete;

    [[nodiscard]] Result<void> take();

 private:
    std::shared_ptr<WorkQueue> queue_;
    std::shared_ptr<Job> job_;
};

template <class F>
Task<std::invoke_result_t<F&>> do_work(std::shared_ptr<WorkQueue> queue, F work) {
    Loop* const loop = Loop::current();
    if (loop == nullptr)
        co_return fail(ErrorKind::internal, "work.no_loop", "awaited where no loop runs");
    const Answer<typename JobOf<F>::Outcome> answer(*loop);
    QueuePlace place(std::move(queue), std::make_shared<JobOf<F>>(std::move(work), answer.giver()));
    GH_CO_TRY_VOID(place.take());
    auto outcome = co_await answer.wait();
    if (outcome.exception) std::rethrow_exception(std::move(outcome.exception));
    if (!outcome.result)
        co_return fail(ErrorKind::unavailable, "work.stopped", "the pool stopped before it began");
    co_return *std::move(outcome.result);
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
