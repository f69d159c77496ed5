#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gh::telemetry {

using TraceId = std::array<std::uint8_t, 16>;
using SpanId = std::array<std::uint8_t, 8>;

/// Never all zeros.
[[nodiscard]] TraceId new_trace_id();
[[nodiscard]] SpanId new_span_id();

/// Where a span stands: what one hop tells the next (W3C Trace Context).
struct TraceContext {
    TraceId trace_id{};
    SpanId span_id{};
    bool sampled = false;
    friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

/// A `traceparent` as text: 00-<32 hex>-<16 hex>-<2 hex>.
struct TraceParent {
    static constexpr std::size_t length = 55;
    std::array<char, length> text{};

    [[nodiscard]] std::string_view view() const { return {text.data(), length}; }
    [[nodiscard]] std::string_view trace_id() const { return view().substr(3, 32); }
    [[nodiscard]] std::string_view span_id() const { return view().substr(36, 16); }
};
[[nodiscard]] TraceParent to_traceparent(const TraceContext& context);

/// Nothing where it is invalid, and that is not to be trusted: all zeros, upper case, an unknown version's wrong length.
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view text);

/// `tracestate` as it may go on beside a valid traceparent: printable ASCII, at most 512 bytes and 32 members; else empty.
/// Its members are others' to read (W3C Trace Context §3.3).
[[nodiscard]] std::string_view checked_tracestate(std::string_view text);

}  // namespace gh::telemetry
