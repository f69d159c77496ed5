#pragma once

#include <string_view>

#include "base/arena.hpp"

namespace gh::gateway {

/// A `traceparent` of W3C Trace Context for the next hop: the trace of `given` when it is valid, a new one otherwise, with
/// a new span. Invalid is also: all zeros, upper case, an unknown version's wrong length.
[[nodiscard]] std::string_view next_traceparent(std::string_view given, Arena& arena);

/// The 32 hex digits of a traceparent that next_traceparent() made.
[[nodiscard]] inline std::string_view trace_id_of(std::string_view traceparent) {
    return traceparent.size() < 35 ? std::string_view{} : traceparent.substr(3, 32);
}

}  // namespace gh::gateway
