#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/type.hpp"
#include "export/endpoint.hpp"

namespace gh::exporting {

struct LokiSpoolConfig {
    std::uint64_t bytes_max = 256 * 1024 * 1024;  ///< beyond it the oldest lines go
    friend bool operator==(const LokiSpoolConfig&, const LokiSpoolConfig&) = default;
};

/// `telemetry.loki` of gatehouse.yaml.
struct LokiConfig {
    std::string url;  ///< "https://loki:3100", without the path; empty: lines are not pushed
    std::string service = "gatehouse";
    std::string container;                                    ///< empty: as service
    std::vector<std::pair<std::string, std::string>> labels;  ///< more of them, the same everywhere
    std::string tenant;                                       ///< X-Scope-OrgID; empty: none
    bool insecure = false;                                    ///< http to elsewhere than loopback
    std::optional<std::filesystem::path> ca_file;
    RequestFields headers;
    std::uint64_t batch_bytes = 256 * 1024;     ///< so much is sent at once
    std::chrono::milliseconds interval{1'000};  ///< the longest a line waits for others
    LokiSpoolConfig spool;
    friend bool operator==(const LokiConfig&, const LokiConfig&) = default;
};

/// How `telemetry.loki` is read, shown and described.
[[nodiscard]] config::Type<LokiConfig> loki_type();

/// Where lines go: the URL with /loki/api/v1/push, unless it ends in that already.
/// @return errors of make_endpoint()
[[nodiscard]] Result<Endpoint> loki_endpoint(const LokiConfig& config);

}  // namespace gh::exporting
