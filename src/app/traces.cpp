#include "app/traces.hpp"

#include <utility>

#include "app/version.hpp"
#include "base/id.hpp"
#include "base/try.hpp"

namespace gh::app {
namespace {

/// OpenTelemetry's semantic conventions for a resource.
exporting::otlp::Resource resource_of(const exporting::TelemetryConfig& config) {
    exporting::otlp::Resource resource{
        {"service.name", config.traces.service_name},
        {"service.version", config.release.empty() ? std::string(version()) : config.release},
        {"service.instance.id", std::string(view(uuid_v4()))},
        {"telemetry.sdk.name", "gatehouse"},
        {"telemetry.sdk.language", "cpp"},
        {"telemetry.sdk.version", std::string(version())}};
    if (!config.environment.empty()) {
        resource.emplace_back("deployment.environment.name", config.environment);
        resource.emplace_back("deployment.environment", config.environment);  // its older name
    }
    return resource;
}

}  // namespace

Result<std::unique_ptr<Traces>> Traces::open(const Settings& settings,
                                             telemetry::Registry& registry, telemetry::Log& log,
                                             const telemetry::RedactorSource& redactor) {
    const auto& config = settings.telemetry.traces;
    if (config.otlp_endpoint.empty()) return nullptr;
    exporting::TraceExporterOptions options;
    GH_TRY(options.endpoint, exporting::trace_endpoint(config));
    options.encoding = config.encoding;
    options.redactor = &redactor;
    options.resource = resource_of(settings.telemetry);
    return std::make_unique<Traces>(
        std::move(options), telemetry::Tracer::Options{.share = config.sample, .slow = config.slow},
        registry, log);
}

}  // namespace gh::app
