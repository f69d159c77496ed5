#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "config/type.hpp"
#include "export/endpoint.hpp"
#include "export/otlp.hpp"

namespace gh::exporting {

/// `telemetry.traces` of gatehouse.yaml.
struct TracesConfig {
    std::string
        otlp_endpoint;  ///< "https://collector:4318", without /v1/traces; empty: traces are passed on only
    otlp::Encoding encoding = otlp::Encoding::protobuf;
    double sample = 1.0;  ///< of traces that begin here: 0 to 1
    std::chrono::milliseconds slow{
        1'000};             ///< kept from here on, whatever the sample; 0: not for that
    bool insecure = false;  ///< http to elsewhere than loopback
    std::optional<std::filesystem::path> ca_file;
    RequestFields headers;
    std::string service_name = "gatehouse";
    friend bool operator==(const TracesConfig&, const TracesConfig&) = default;
};

/// How `telemetry.traces` is read, shown and described.
[[nodiscard]] config::Type<TracesConfig> traces_type();

/// Where spans go: the endpoint with /v1/traces, unless it ends in that already.
/// @return `invalid_argument` "url.malformed"; of an https one errors of net::TlsClientContext::make()
[[nodiscard]] Result<Endpoint> trace_endpoint(const TracesConfig& config);

}  // namespace gh::exporting
