#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "telemetry/metrics.hpp"

// Prometheus text format 0.0.4 and OpenMetrics 1.0, piece by piece.

namespace gh::telemetry {

/// Throws std::logic_error where a name could not be exposed or would mislead: see Description.
void check_description(const Description& description, MetricType type);

/// `a="x",b="y"` without braces; values cut at label_value_bytes_max, made valid UTF-8 and escaped.
[[nodiscard]] std::string label_text(std::span<const std::string> names,
                                     std::span<const std::string_view> values);

/// HELP and TYPE. A counter's family has no "_total" in OpenMetrics.
void append_header(std::string& page, const Description& description, MetricType type,
                   PageFormat format);

/// The pieces of a sample line in front of its value: `name``suffix`{`labels`,`more`}
struct SampleName {
    std::string_view name;
    std::string_view suffix;
    std::string_view labels;
    std::string_view more;
};
void append_sample(std::string& page, const SampleName& name, std::uint64_t value);
void append_sample(std::string& page, const SampleName& name, std::int64_t value);
void append_sample(std::string& page, const SampleName& name, double value);

/// All lines of one series.
void append_series(std::string& page, std::string_view name, std::string_view labels,
                   const Counter& counter);
void append_series(std::string& page, std::string_view name, std::string_view labels,
                   const Gauge& gauge);
void append_series(std::string& page, std::string_view name, std::string_view labels,
                   const Histogram& histogram, PageFormat format);

}  // namespace gh::telemetry
