#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "export/collector.hpp"
#include "export/loki.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::exporting {

struct LokiExporterOptions {
    Endpoint endpoint;
    loki::Labels labels;
    std::filesystem::path spool;  ///< its folder; made when it is first needed
    std::uint64_t spool_bytes_max = 256 * 1024 * 1024;
    std::size_t queue_bytes_max =
        8 * 1024 * 1024;                         ///< lines waiting; beyond it new ones are dropped
    std::size_t batch_bytes = 256 * 1024;        ///< so much is sent at once
    std::chrono::milliseconds interval{1'000};   ///< the longest a line waits for others
    std::chrono::milliseconds timeout{5'000};    ///< of one attempt
    std::chrono::milliseconds retry_first{500};  ///< after a failed one; doubles up to `retry_max`
    std::chrono::milliseconds retry_max{30'000};
};

/// Pushes log lines to Grafana Loki, in batches, on one background thread. Who appends writes into a buffer of their shard
/// and goes on. While Loki takes what it gets, batches are in memory only; once an attempt fails or hangs, what waits goes
/// to the spool, and is sent from there, oldest first, when Loki is back, also by the next process. What Loki refuses is
/// dropped: it would refuse it for ever. Where the disk fails as well, lines wait in memory as long as there is room.
///
/// Metrics: gatehouse_loki_lines_sent_total, gatehouse_loki_lines_dropped_total{reason}, gatehouse_loki_push_failures_total,
/// gatehouse_loki_push_duration_seconds, gatehouse_loki_spool_bytes, gatehouse_loki_spool_damaged_total.
class LokiExporter {
 public:
    /// @param registry, log  outlive it
    LokiExporter(LokiExporterOptions options, telemetry::Registry& registry, telemetry::Log& log);
    ~LokiExporter();

    [[nodiscard]] telemetry::LogSink& sink(loki::Stream stream);

    /// From now on: sends what waits, at most for `timeout`, and leaves the rest in the spool. Later lines are dropped.
    void end(std::chrono::milliseconds timeout) noexcept;
    /// Until that is done.
    void wait() noexcept;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gh::exporting
