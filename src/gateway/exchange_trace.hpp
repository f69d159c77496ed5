#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "telemetry/trace_context.hpp"

namespace gh::gateway {

class Exchange;

/// Takes over the client's trace, or begins one, with a span of ours; has it recorded where the house exports traces.
void begin_trace(Exchange& exchange);

/// When the last byte has left. The trace goes to its sink, if it is one that is kept.
/// @return where to look for it; nothing where it is not kept
std::optional<telemetry::TraceContext> end_trace(Exchange& exchange,
                                                 std::chrono::nanoseconds duration);

/// `traceparent` for the next hop: below the step that is under way. Lives as long as the exchange.
[[nodiscard]] std::string_view next_traceparent(Exchange& exchange);

}  // namespace gh::gateway
