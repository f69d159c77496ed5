#pragma once

#include <cstdint>
#include <string>

#include "export/trace_config.hpp"
#include "telemetry/log.hpp"

namespace gh::exporting {

struct AccessLogConfig {
    enum class Format : std::uint8_t { json };
    std::string path = "stdout";  ///< "stdout", "stderr", "none" or a file, reopened on SIGUSR1
    Format format = Format::json;
    friend bool operator==(const AccessLogConfig&, const AccessLogConfig&) = default;
};

struct TelemetryConfig {
    AccessLogConfig access_log;
    telemetry::LogLevel log_level = telemetry::LogLevel::info;
    std::string
        environment;      ///< label in log lines and /system/info: "staging"; changes no behaviour
    std::string release;  ///< the same, of what is deployed behind the gateway
    TracesConfig traces;
    friend bool operator==(const TelemetryConfig&, const TelemetryConfig&) = default;
};

}  // namespace gh::exporting
