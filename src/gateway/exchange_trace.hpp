#pragma once

#include <chrono>
#include <string_view>

namespace gh::gateway {

class Exchange;

/// Takes over the client's trace, or begins one, with a span of ours; has it recorded where the house exports traces.
void begin_trace(Exchange& exchange);

/// When the last byte has left. The trace goes to its sink, if it is one that is kept.
void end_trace(Exchange& exchange, std::chrono::nanoseconds duration);

/// `traceparent` for the next hop: below the step that is under way. Lives as long as the exchange.
[[nodiscard]] std::string_view next_traceparent(Exchange& exchange);

}  // namespace gh::gateway
