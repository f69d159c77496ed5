#include "export/trace_config.hpp"

#include "config/object.hpp"
#include "config/types.hpp"

namespace gh::exporting {
namespace {

constexpr std::chrono::hours slow_max{1};

}  // namespace

config::Type<TracesConfig> traces_type() {
    config::Object<TracesConfig> table;
    table.key("otlp_endpoint", &TracesConfig::otlp_endpoint,
              endpoint_url_type("a collector, wanted: https://HOST:4318"),
              "An OpenTelemetry collector, OTLP over HTTP: https://HOST:4318. Left out: traces are "
              "passed on, not recorded.");
    table.key("encoding", &TracesConfig::encoding,
              config::choice<otlp::Encoding>(
                  {{"protobuf", otlp::Encoding::protobuf}, {"json", otlp::Encoding::json}}),
              "How bodies are written.");
    table.key("sample", &TracesConfig::sample, config::share(),
              "The share of traces that are kept, of those that begin here. Whoever sends a "
              "traceparent has decided for their own.");
    table.key("slow", &TracesConfig::slow, config::duration(std::chrono::milliseconds{0}, slow_max),
              "What took so long is kept, whatever the sample; so is what failed. 0s: what is slow "
              "is not.");
    table.key("insecure", &TracesConfig::insecure, config::boolean(),
              "true: http to a collector elsewhere. Everybody on the way reads along.");
    table.key("ca_file", &TracesConfig::ca_file, config::maybe(config::file_path()),
              "PEM: who vouches for the collector. Left out: the system's authorities.");
    table.key("headers", &TracesConfig::headers, request_fields_type(),
              "Of every request to it: Authorization, by reference.");
    table.key("service_name", &TracesConfig::service_name, config::text({.bytes_max = 128}),
              "service.name of the spans.");
    table.check([](const config::Node& node, config::Reader& reader, const TracesConfig& read) {
        return check_endpoint(node, reader, read.otlp_endpoint, read.insecure, read.headers,
                              "spans");
    });
    return table.type();
}

Result<Endpoint> trace_endpoint(const TracesConfig& config) {
    return make_endpoint(config.otlp_endpoint, "/v1/traces", config.ca_file, config.headers);
}

}  // namespace gh::exporting
