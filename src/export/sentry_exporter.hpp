#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "export/collector.hpp"
#include "export/sentry.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/redaction.hpp"

namespace gh::exporting {

struct SentryExporterOptions {
    Endpoint endpoint;
    sentry::About about;
    std::shared_ptr<const telemetry::Redactor> redactor;  ///< what every line passes; never null
    std::size_t queue_max = 100;                ///< events waiting, beyond it new ones are dropped
    std::size_t queue_bytes_max = 1024 * 1024;  ///< the same for their bytes
    std::chrono::milliseconds timeout{5'000};   ///< of one attempt
    std::chrono::milliseconds retry_first{
        500};  ///< where nobody answers; doubles up to `retry_max`
    std::chrono::milliseconds retry_max{30'000};
};

/// Sends lines of level ERROR to Sentry, as events, on one background thread. Who appends looks at the level, and copies a line
/// that is an error into a short queue. Of errors of one kind a few pass each minute, see sentry::Repeats. What Sentry refuses
/// is dropped, and so is all that comes while it forbids events; while nobody answers, events wait as long as there is room.
/// Says of itself nothing above WARNING, so that its own troubles are no events.
///
/// Metrics: gatehouse_sentry_events_sent_total, gatehouse_sentry_events_dropped_total{reason}, gatehouse_sentry_failures_total.
class SentryExporter final : public telemetry::LogSink {
 public:
    /// @param registry, log  outlive it
    SentryExporter(SentryExporterOptions options, telemetry::Registry& registry,
                   telemetry::Log& log);
    ~SentryExporter() override;

    void append(std::string_view lines) noexcept override;

    /// Sends an event that is no line of the log.
    /// @param event  of sentry::About, in one line; redacted
    /// @param taken  called on the exporter's thread when Sentry has it, or never
    void report(std::string event_id, std::string event, std::move_only_function<void()> taken);
    [[nodiscard]] const sentry::About& about() const;

    /// From now on: sends what waits, at most for `timeout`; the rest is counted as dropped, and so is what comes later.
    void end(std::chrono::milliseconds timeout) noexcept;
    /// Until that is done.
    void wait() noexcept;

 private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace gh::exporting
