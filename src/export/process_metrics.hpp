#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "telemetry/metrics.hpp"

namespace gh::exporting {

/// Of proc(5)'s /proc/self/stat.
struct ProcessStat {
    std::uint64_t cpu_ticks;  ///< user and system, of all threads
    std::uint64_t threads;
    std::uint64_t start_ticks;  ///< since the machine started
    std::uint64_t virtual_bytes;
    std::uint64_t resident_pages;
};

/// @param text  one line; the command name may hold anything, blanks and parentheses too
[[nodiscard]] std::optional<ProcessStat> parse_process_stat(std::string_view text);

/// Adds what every scrape reads from /proc: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
/// process_threads, process_start_time_seconds. A number that cannot be read is left out.
void add_process_metrics(telemetry::Registry& registry);

}  // namespace gh::exporting
