#pragma once

#include <chrono>
#include <memory>

#include "app/settings.hpp"
#include "base/error.hpp"
#include "export/trace_exporter.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/trace.hpp"

namespace gh::app {

/// Spans on their way out of the house. Outlives all who trace.
class Traces {
 public:
    /// @param registry, log, redactor  outlive it
    /// @return null where telemetry.traces names no collector; errors of exporting::trace_endpoint()
    [[nodiscard]] static Result<std::unique_ptr<Traces>> open(
        const Settings& settings, telemetry::Registry& registry, telemetry::Log& log,
        const telemetry::RedactorSource& redactor);
    Traces(exporting::TraceExporterOptions options, telemetry::Tracer::Options rules,
           telemetry::Registry& registry, telemetry::Log& log)
        : exporter_(std::move(options), registry, log), tracer_(exporter_, rules) {}

    [[nodiscard]] const telemetry::Tracer& tracer() const { return tracer_; }
    /// Sends what waits, from now on. When nobody traces any more.
    void end(std::chrono::milliseconds timeout) { exporter_.end(timeout); }
    /// Until that is done.
    void wait() { exporter_.wait(); }

 private:
    exporting::TraceExporter exporter_;
    telemetry::Tracer tracer_;
};

}  // namespace gh::app
