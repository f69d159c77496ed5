#pragma once

#include <cstdint>
#include <span>

namespace gh::bench {

/// Time that all threads of these processes have run on a CPU, in nanoseconds: the first figure of
/// /proc/PID/task/TID/schedstat. What does not exist counts as 0.
[[nodiscard]] std::int64_t cpu_time_ns(std::span<const int> pids);

}  // namespace gh::bench
