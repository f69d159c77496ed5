#pragma once

#include <cstdint>
#include <ctime>

namespace gh::bench {

/// Nanoseconds of the monotonic clock.
[[nodiscard]] inline std::int64_t now_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

}  // namespace gh::bench
