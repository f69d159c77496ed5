#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/trace.hpp"

// OpenTelemetry's protocol (OTLP 1.x, opentelemetry-proto), as far as traces go: what a collector takes over HTTP. All pure.

namespace gh::exporting::otlp {

/// How bodies are written.
enum class Encoding : std::uint8_t { protobuf, json };
[[nodiscard]] std::string_view content_type(Encoding encoding);

/// Who speaks: "service.name" and the like.
using Resource = std::vector<std::pair<std::string, std::string>>;

/// Appends one span, so that spans can be put one behind the other and body() be made of them.
void append_span(std::string& out, Encoding encoding, const telemetry::TraceId& trace,
                 const telemetry::SpanRecord& span, std::uint64_t spans_dropped = 0);

/// An ExportTraceServiceRequest.
/// @param spans  of append_span(), the same encoding
[[nodiscard]] std::string body(Encoding encoding, const Resource& resource, std::string_view spans);

/// The first of them: as many as fit into `bytes_max`, and at least one.
[[nodiscard]] std::string_view first_spans(Encoding encoding, std::string_view spans,
                                           std::size_t bytes_max);

/// How many spans were appended.
[[nodiscard]] std::size_t count(Encoding encoding, std::string_view spans);

}  // namespace gh::exporting::otlp
