#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"

namespace gh::exporting {

/// A thread with a loop on which something is sent until it is told to come to an end, and by when. What it runs belongs to
/// its owner, who stops it before any of that goes.
class PushThread {
 public:
    /// @param name  of the thread, at most 15 bytes
    explicit PushThread(std::string name) : name_(std::move(name)) {}
    ~PushThread() { wait(); }
    PushThread(const PushThread&) = delete;
    PushThread& operator=(const PushThread&) = delete;

    void start();
    /// From any thread, the first time it counts: nothing may take longer than `timeout`.
    /// @param told  runs on the loop once over() and ending() know
    void end(std::chrono::milliseconds timeout, std::move_only_function<void()> told) noexcept;
    /// Until the loop was stopped and the thread has ended.
    void wait() noexcept;

    [[nodiscard]] net::Loop& loop() { return loop_; }
    [[nodiscard]] net::Resolver& resolver() { return resolver_; }

    // On the loop.
    [[nodiscard]] bool ending() const { return ends_at_ != SteadyTime::max(); }
    [[nodiscard]] bool over() const { return loop_.now() >= ends_at_; }
    [[nodiscard]] SteadyTime ends_at() const { return ends_at_; }
    /// Of an attempt: as long as it may take, and at the end as long as there is.
    [[nodiscard]] std::chrono::milliseconds patience(std::chrono::milliseconds timeout) const;
    /// Whoever wakes `bell` does not shorten it; the end does.
    Task<> pause(net::Wakeup& bell, std::chrono::milliseconds duration);

 private:
    const std::string name_;
    net::Loop loop_;
    net::Resolver resolver_;
    SteadyTime ends_at_ = SteadyTime::max();
    std::atomic<bool> ended_ = false;
    std::jthread thread_;
};

}  // namespace gh::exporting
