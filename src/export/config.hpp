#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "export/loki_config.hpp"
#include "export/sentry_config.hpp"
#include "export/trace_config.hpp"
#include "telemetry/log.hpp"
#include "telemetry/redaction.hpp"

namespace gh::exporting {

struct AccessLogConfig {
    enum class Format : std::uint8_t { json };
    std::string path = "stdout";  ///< "stdout", "stderr", "none" or a file, reopened on SIGUSR1
    Format format = Format::json;
    friend bool operator==(const AccessLogConfig&, const AccessLogConfig&) = default;
};

struct RedactionConfig {
    using Kind = telemetry::RedactedKind;
    bool enabled = true;
    std::vector<Kind> kinds{Kind::email, Kind::card, Kind::ssn, Kind::secret, Kind::token};
    bool ip_addresses = false;
    bool pseudonyms = false;         ///< keyed codes instead of masks
    std::vector<std::string> allow;  ///< see telemetry::RedactionRules
    friend bool operator==(const RedactionConfig&, const RedactionConfig&) = default;
};

struct TelemetryConfig {
    AccessLogConfig access_log;
    telemetry::LogLevel log_level = telemetry::LogLevel::info;
    RedactionConfig redaction;
    std::string
        environment;      ///< label in log lines and /system/info: "staging"; changes no behaviour
    std::string release;  ///< the same, of what is deployed behind the gateway
    TracesConfig traces;
    LokiConfig loki;
    SentryConfig sentry;
    friend bool operator==(const TelemetryConfig&, const TelemetryConfig&) = default;
};

}  // namespace gh::exporting
