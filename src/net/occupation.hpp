#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>

namespace gh::net {

/// What a loop's thread is at, told to who watches from another thread. The loop pays two plain stores for each coroutine
/// that it resumes and reads no clock: who sees the same count twice knows that nothing else has run in between.
class Occupation {
 public:
    struct Look {
        std::uint64_t count;  ///< of what was begun so far
        const void*
            function;  ///< code of the coroutine that is resumed, or `posted`; null: nothing runs
    };
    static constexpr char posted_mark = 0;
    /// Instead of a function: a call that somebody posted.
    static constexpr const void* posted = &posted_mark;

    void begin(const void* function) noexcept {
        function_.store(function, std::memory_order_relaxed);
        count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    void rest() noexcept { function_.store(nullptr, std::memory_order_relaxed); }
    void run_by(pid_t thread) noexcept { thread_.store(thread, std::memory_order_release); }

    /// From any thread; the function may be one step younger than the count.
    [[nodiscard]] Look look() const noexcept {
        const auto count = count_.load(std::memory_order_acquire);
        return {count, function_.load(std::memory_order_relaxed)};
    }
    /// The kernel's number of the thread that runs the loop; 0: none as yet.
    [[nodiscard]] pid_t thread() const noexcept { return thread_.load(std::memory_order_acquire); }

 private:
    std::atomic<std::uint64_t> count_{0};
    std::atomic<const void*> function_{nullptr};
    std::atomic<pid_t> thread_{0};
};

}  // namespace gh::net
