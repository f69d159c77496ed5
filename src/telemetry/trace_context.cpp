#include "telemetry/trace_context.hpp"

#include <span>

#include "base/id.hpp"

namespace gh::telemetry {
namespace {

constexpr std::size_t trace_at = 3, span_at = 36, flags_at = 53;
constexpr std::uint8_t sampled_flag = 1;

int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

/// @return false where a character is no lower-case hex digit, or all are zero
template <std::size_t N>
bool read_id(std::string_view text, std::array<std::uint8_t, N>& id) {
    bool any = false;
    for (std::size_t i = 0; i < N; ++i) {
        const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        id[i] = static_cast<std::uint8_t>(high * 16 + low);
        any = any || id[i] != 0;
    }
    return any;
}

char* write_hex(char* out, std::span<const std::uint8_t> bytes) {
    constexpr std::string_view alphabet = "0123456789abcdef";
    for (const auto byte : bytes) {
        *out++ = alphabet[byte >> 4];
        *out++ = alphabet[byte & 15];
    }
    return out;
}

template <class Id>
Id random_id() {
    Id id;
    random_bytes(id);
    id[0] |= 1;
    return id;
}

}  // namespace

TraceId new_trace_id() { return random_id<TraceId>(); }
SpanId new_span_id() { return random_id<SpanId>(); }

TraceParent to_traceparent(const TraceContext& context) {
    TraceParent made;
    char* out = made.text.data();
    *out++ = '0';
    *out++ = '0';
    *out++ = '-';
    out = write_hex(out, context.trace_id);
    *out++ = '-';
    out = write_hex(out, context.span_id);
    *out++ = '-';
    *out++ = '0';
    *out = context.sampled ? '1' : '0';
    return made;
}

std::optional<TraceContext> parse_traceparent(std::string_view text) {
    constexpr auto length = TraceParent::length;
    if (text.size() < length || text.starts_with("ff")) return {};
    if (text.starts_with("00") ? text.size() != length
                               : text.size() > length && text[length] != '-')
        return {};
    const int version_high = digit(text[0]), version_low = digit(text[1]);
    const int flags_high = digit(text[flags_at]), flags_low = digit(text[flags_at + 1]);
    TraceContext context;
    if (version_high < 0 || version_low < 0 || flags_high < 0 || flags_low < 0 || text[2] != '-' ||
        text[35] != '-' || text[52] != '-' ||
        !read_id(text.substr(trace_at, 32), context.trace_id) ||
        !read_id(text.substr(span_at, 16), context.span_id)) {
        return {};
    }
    context.sampled = (static_cast<unsigned>(flags_low) & sampled_flag) != 0;
    return context;
}

std::string_view checked_tracestate(std::string_view text) {
    constexpr std::size_t bytes_max = 512, members_max = 32;
    const bool printable =
        std::ranges::all_of(text, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
    const auto members = static_cast<std::size_t>(std::ranges::count(text, ',')) + 1;
    return printable && text.size() <= bytes_max && members <= members_max ? text
                                                                           : std::string_view{};
}

}  // namespace gh::telemetry
