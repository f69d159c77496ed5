#pragma once

#include <memory>

#include "app/logs.hpp"
#include "app/settings.hpp"
#include "base/error.hpp"
#include "export/loki_exporter.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// Log lines on their way to other machines, redacted before. Joins the logs when it is made and leaves them at its end.
class LogExports {
 public:
    /// @param registry, logs  outlive it
    /// @return errors of exporting::loki_endpoint()
    [[nodiscard]] static Result<std::unique_ptr<LogExports>> open(const Settings& settings,
                                                                  telemetry::Registry& registry,
                                                                  Logs& logs);
    ~LogExports();

    /// Sends what waits; what cannot be sent in time stays in the spool. When the last line has been said.
    void close();

 private:
    explicit LogExports(Logs& logs) : logs_(logs) {}

    Logs& logs_;
    std::unique_ptr<exporting::LokiExporter> loki_;  // null: lines are not pushed
};

}  // namespace gh::app
