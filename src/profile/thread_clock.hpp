#pragma once

#include <sys/types.h>
#include <time.h>

#include <chrono>
#include <optional>

namespace gh::profile {

/// The clock of the processor time of one thread of this process, by the kernel's number of it (linux/posix-timers.h;
/// pthread_getcpuclockid() makes the same of a handle).
[[nodiscard]] constexpr clockid_t clock_of_thread(pid_t thread) {
    constexpr unsigned per_thread = 4, scheduled = 2;
    return static_cast<clockid_t>(~static_cast<unsigned>(thread) << 3 | per_thread | scheduled);
}

/// Nothing: the thread is gone.
[[nodiscard]] inline std::optional<std::chrono::nanoseconds> cpu_time_of(pid_t thread) {
    timespec time{};
    if (thread == 0 || ::clock_gettime(clock_of_thread(thread), &time) != 0) return {};
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace gh::profile
