#pragma once

#include <chrono>
#include <memory>

#include "app/crash_files.hpp"
#include "app/logs.hpp"
#include "app/settings.hpp"
#include "app/traces.hpp"
#include "base/error.hpp"
#include "export/loki_exporter.hpp"
#include "export/sentry_exporter.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// Log lines on their way to other machines, redacted before: all of them to Loki, errors to Sentry. Joins the logs when it is
/// made and leaves them at its end.
class LogExports {
 public:
    /// @param registry, logs  outlive it
    /// @return errors of exporting::loki_endpoint() and exporting::sentry_endpoint()
    [[nodiscard]] static Result<std::unique_ptr<LogExports>> open(const Settings& settings,
                                                                  telemetry::Registry& registry,
                                                                  Logs& logs);
    ~LogExports();

    /// Sends what waits; what cannot be sent in time stays in the spool, or is no event. When the last line has been said.
    void end(std::chrono::milliseconds timeout);
    /// Until that is done.
    void wait();

 private:
    explicit LogExports(Logs& logs) : logs_(logs) {}

    Logs& logs_;
    [[nodiscard]] Result<void> open_loki(const Settings& settings, telemetry::Registry& registry);
    [[nodiscard]] Result<void> open_sentry(const Settings& settings, telemetry::Registry& registry);
    void report(const FoundCrash& crash);

    std::unique_ptr<exporting::LokiExporter> loki_;      // null: lines are not pushed
    std::unique_ptr<exporting::SentryExporter> sentry_;  // null: errors are not reported
};

/// Sends what waits, all at the same time, and says of the last line of the log that it is.
/// @param traces  null: none are recorded
void end_exports(Traces* traces, LogExports& lines, telemetry::Log& log);

}  // namespace gh::app
