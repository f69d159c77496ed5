#pragma once

#include <string>
#include <string_view>

#include "telemetry/metrics.hpp"

namespace gh::exporting {

inline constexpr std::string_view scrape_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// The page that Prometheus fetches. A millisecond or two with thousands of series, and it reads
/// /proc.
[[nodiscard]] std::string scrape(const telemetry::Registry& registry);

}  // namespace gh::exporting
