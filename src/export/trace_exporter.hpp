#pragma once

#include <chrono>
#include <memory>

#include "export/collector.hpp"
#include "export/otlp.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/redacting_sink.hpp"
#include "telemetry/trace.hpp"

namespace gh::exporting {

struct TraceExporterOptions {
    Endpoint endpoint;
    otlp::Encoding encoding = otlp::Encoding::protobuf;
    otlp::Resource resource;
    std::size_t queue_bytes_max =
        8 * 1024 * 1024;                         ///< spans waiting; beyond it new ones are dropped
    std::size_t batch_bytes = 256 * 1024;        ///< so much is sent at once
    std::chrono::milliseconds interval{1'000};   ///< the longest a span waits for others
    std::chrono::milliseconds timeout{5'000};    ///< of one attempt
    std::chrono::milliseconds retry_first{500};  ///< after a failed one; doubles up to `retry_max`
    std::chrono::milliseconds retry_max{30'000};
    std::chrono::milliseconds give_up{300'000};  ///< of one batch, so that the next has its turn
    /// What leaves has been redacted; null: as it is. Outlives the exporter.
    const telemetry::RedactorSource* redactor = nullptr;
};

/// Sends spans to an OTLP collector, in batches, on one background thread. Who appends writes into a buffer of their shard and
/// goes on: a collector that is away or hangs costs spans, which are counted, never time.
///
/// Metrics: gatehouse_trace_spans_exported_total, gatehouse_trace_spans_dropped_total{reason="queue_full"|"refused"|"given_up"|"stopped"},
/// gatehouse_trace_export_failures_total.
class TraceExporter final : public telemetry::TraceSink {
 public:
    /// @param registry, log  outlive it
    TraceExporter(TraceExporterOptions options, telemetry::Registry& registry, telemetry::Log& log);
    ~TraceExporter() override;

    void append(const telemetry::Trace& trace, const telemetry::SpanRecord& root) noexcept override;

    /// From now on: sends what waits, at most for `timeout`; the rest is counted as dropped. Later spans are dropped.
    void end(std::chrono::milliseconds timeout) noexcept;
    /// Until that is done.
    void wait() noexcept;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gh::exporting
