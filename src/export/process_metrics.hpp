#pragma once

#include "telemetry/metrics.hpp"

namespace gh::exporting {

/// Adds what every scrape reads from /proc/self: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_open_fds, process_max_fds,
/// process_threads, process_start_time_seconds. A number that cannot be read is left out.
void add_process_metrics(telemetry::Registry& registry);

}  // namespace gh::exporting
