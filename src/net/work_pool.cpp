#include "net/work_pool.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>

#include "base/signal_stack.hpp"

namespace gh::net {
namespace detail {

/// Outlives the pool as long as a coroutine holds on to it.
class WorkQueue {
 public:
    explicit WorkQueue(std::size_t jobs_max) : jobs_max_(jobs_max) {}

    Result<void> submit(std::shared_ptr<Job> job) {
        {
            const std::scoped_lock lock(mutex_);
            if (stopped_)
                return fail(ErrorKind::unavailable, "work.stopped", "the pool is stopped");
            // Counted with those that run: work that is about to be taken up by an idle thread does not wait.
            if (jobs_.size() + running_ >= jobs_max_)
                return fail(ErrorKind::exhausted, "work.queue_full",
                            "all threads are busy and the queue is full; try again later");
            jobs_.push_back(std::move(job));
        }
        wake_.notify_one();
        return {};
    }

    void forget(const std::shared_ptr<Job>& job) {
        const std::scoped_lock lock(mutex_);
        std::erase(jobs_, job);
    }

    void run(const std::stop_token& stop) {
        keep_signal_stack();
        while (const auto job = take(stop)) {
            job->work();
            {
                const std::scoped_lock lock(mutex_);
                --running_;
            }
            job->answer();
        }
    }

    void stop() {
        std::deque<std::shared_ptr<Job>> undone;
        {
            const std::scoped_lock lock(mutex_);
            stopped_ = true;
            undone.swap(jobs_);
        }
        for (const auto& job : undone) job->answer();
    }

    std::size_t queued() {
        const std::scoped_lock lock(mutex_);
        return jobs_.size();
    }
    std::size_t running() {
        const std::scoped_lock lock(mutex_);
        return running_;
    }

 private:
    std::shared_ptr<Job> take(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); })) return nullptr;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        ++running_;
        return job;
    }

    const std::size_t jobs_max_;
    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::deque<std::shared_ptr<Job>> jobs_;
    std::size_t running_ = 0;
    bool stopped_ = false;
};

QueuePlace::~QueuePlace() { queue_->forget(job_); }

Result<void> QueuePlace::take() { return queue_->submit(job_); }

}  // namespace detail

namespace {

/// Threads inherit the mask; signals are other threads' business.
class AllSignalsBlocked {
 public:
    AllSignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        leave_fault_signals(all);
        sigdelset(&all, SIGPROF);  // profiles ask every thread
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~AllSignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    AllSignalsBlocked(const AllSignalsBlocked&) = delete;
    AllSignalsBlocked& operator=(const AllSignalsBlocked&) = delete;

 private:
    sigset_t before_;
};

}  // namespace

WorkPool::WorkPool(Options options)
    : queue_(std::make_shared<detail::WorkQueue>(options.threads + options.queue_max)) {
    if (options.threads == 0) throw std::invalid_argument("a work pool needs a thread");
    const AllSignalsBlocked inherited;
    const auto name = options.name.substr(0, 15);
    for (std::size_t i = 0; i < options.threads; ++i) {
        threads_.emplace_back([queue = queue_](std::stop_token stop) { queue->run(stop); });
        pthread_setname_np(threads_.back().native_handle(), name.c_str());
    }
}

WorkPool::~WorkPool() {
    queue_->stop();
    for (auto& thread : threads_) thread.request_stop();
}

std::size_t WorkPool::queued() const { return queue_->queued(); }
std::size_t WorkPool::running() const { return queue_->running(); }

}  // namespace gh::net
