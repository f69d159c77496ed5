#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "telemetry/trace_context.hpp"

// How a message tells who reads it which trace it belongs to.

namespace gh::telemetry {

/// The member of a message's JSON object.
inline constexpr std::string_view message_context_name = "_trace_context";

/// {"trace_id":"<32 hex>","span_id":"<16 hex>","trace_flags":1}; 1: the trace is kept, 0: it need not be.
[[nodiscard]] std::string to_message_context(const TraceContext& context);

/// @param json  the member's value; `trace_flags` may be a number or two hex digits, and other members are passed over
/// @return      nothing where it is invalid: as with traceparent, a new trace begins then
[[nodiscard]] std::optional<TraceContext> parse_message_context(std::string_view json);

}  // namespace gh::telemetry
