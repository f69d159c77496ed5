#pragma once

#include <cstdint>
#include <span>

namespace gh::bench {

/// In nanoseconds, since the threads began.
struct CpuTime {
    std::int64_t ran = 0;     ///< on a CPU
    std::int64_t waited = 0;  ///< ready to run, while somebody else had the CPU
};

/// The sum over all threads of these processes, from /proc/PID/task/TID/schedstat. What does not
/// exist counts as 0.
[[nodiscard]] CpuTime cpu_time(std::span<const int> pids);

}  // namespace gh::bench
