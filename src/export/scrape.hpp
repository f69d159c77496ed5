#pragma once

#include <string>
#include <string_view>

#include "telemetry/metrics.hpp"

namespace gh::exporting {

using telemetry::PageFormat;

[[nodiscard]] constexpr std::string_view content_type_of(PageFormat format) {
    return format == PageFormat::open_metrics
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

/// What a field `Accept` would rather have (RFC 9110 §12.5.1): OpenMetrics where it is named and no less welcome than
/// text/plain.
[[nodiscard]] PageFormat wanted_format(std::string_view accept);

/// The page that Prometheus fetches. A millisecond or two with thousands of series, and it reads
/// /proc.
[[nodiscard]] std::string scrape(const telemetry::Registry& registry, PageFormat format);

}  // namespace gh::exporting
