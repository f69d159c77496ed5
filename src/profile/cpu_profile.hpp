#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "profile/interrupt.hpp"

namespace gh::profile {

/// Where the processor time of all threads goes: each has a timer that runs with its own clock, so that who waits is not
/// counted, and who works is asked where it is a hundred times a second.
class CpuProfile {
 public:
    static constexpr seconds duration_max{60};
    static constexpr std::size_t samples_max = 65'536;

    /// Begins. Reads /proc and makes timers: some milliseconds.
    /// @param duration  how long it is meant to go on; where there are many processors, less often is asked then
    /// @return `conflict` "profile.running", `unavailable` "profile.threads"
    [[nodiscard]] static Result<std::shared_ptr<CpuProfile>> start(seconds duration);
    /// Ends, whether or not anybody has looked.
    ~CpuProfile();
    CpuProfile(const CpuProfile&) = delete;
    CpuProfile& operator=(const CpuProfile&) = delete;

    void stop() noexcept;

    /// Equal stacks of one thread, after stop().
    struct Counted {
        std::string thread;                 ///< its name
        std::vector<std::uint64_t> frames;  ///< innermost first
        std::uint64_t count = 0;
    };
    [[nodiscard]] std::vector<Counted> counted() const;
    [[nodiscard]] std::chrono::nanoseconds interval() const { return interval_; }
    [[nodiscard]] SystemTime began() const { return began_; }
    [[nodiscard]] std::chrono::nanoseconds duration() const { return duration_; }
    [[nodiscard]] std::uint64_t dropped() const { return buffer_.dropped(); }

    /// For start().
    explicit CpuProfile(std::chrono::nanoseconds interval);

 private:
    class Timer;
    [[nodiscard]] Result<void> watch_threads();

    const std::chrono::nanoseconds interval_;
    const SystemTime began_ = std::chrono::system_clock::now();
    std::chrono::nanoseconds duration_{0};
    bool running_ = true;
    SampleBuffer buffer_;
    std::map<pid_t, std::string> names_;
    std::vector<Timer> timers_;
};

}  // namespace gh::profile
