#include "export/otlp.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <iterator>
#include <span>

#include "codec/protobuf_writer.hpp"
#include "telemetry/json_text.hpp"

namespace gh::exporting::otlp {
namespace {

using telemetry::Attribute;
using telemetry::SpanRecord;
using namespace codec::protobuf;

constexpr std::string_view scope = "gatehouse";
constexpr std::string_view dropped_key = "gatehouse.spans_dropped";
constexpr int status_error = 2;

std::uint64_t unix_nanoseconds(SystemTime time) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

std::uint64_t end_of(const SpanRecord& span) {
    const auto took = std::max<std::int64_t>(span.duration.count(), 0);
    return unix_nanoseconds(span.begins) + static_cast<std::uint64_t>(took);
}

/// Attributes, and one more where spans had no room.
template <class Call>
void each_attribute(const SpanRecord& span, std::uint64_t dropped, const Call& call) {
    for (const auto& each : span.attributes) call(each);
    if (dropped > 0) call(Attribute{dropped_key, static_cast<std::int64_t>(dropped)});
}

// --- protobuf ---

template <std::size_t N>
void put_id(std::string& out, unsigned field, const std::array<std::uint8_t, N>& id) {
    put_bytes(out, field, {reinterpret_cast<const char*>(id.data()), N});
}

/// A string of protobuf is UTF-8, and a collector may refuse a whole batch for one that is not.
void put_text(std::string& out, unsigned field, std::string_view text) {
    const auto plain = telemetry::ascii_run(text) == text.size();
    if (plain) return put_bytes(out, field, text);
    std::string clean;
    for (auto rest = text; !rest.empty();) {
        const auto [length, skip] = telemetry::utf8_sequence(rest);
        clean += length > 0 ? rest.substr(0, length) : std::string_view("\xef\xbf\xbd");
        rest.remove_prefix(length > 0 ? length : skip);
    }
    put_bytes(out, field, clean);
}

void put_attribute(std::string& out, unsigned field, const Attribute& attribute) {
    put_message(out, field, [&](std::string& pair) {
        put_bytes(pair, 1, attribute.key);
        put_message(pair, 2, [&](std::string& value) {
            if (const auto* text = std::get_if<std::string_view>(&attribute.value)) {
                put_text(value, 1, *text);
            } else if (const auto* flag = std::get_if<bool>(&attribute.value)) {
                put_number(value, 2, *flag ? 1 : 0);
            } else if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) {
                put_number(value, 3, static_cast<std::uint64_t>(*number));
            } else {
                put_fixed64(value, 4,
                            std::bit_cast<std::uint64_t>(std::get<double>(attribute.value)));
            }
        });
    });
}

void append_protobuf(std::string& out, const telemetry::TraceId& trace, const SpanRecord& span,
                     std::uint64_t dropped) {
    put_message(out, 2, [&](std::string& text) {
        put_id(text, 1, trace);
        put_id(text, 2, span.id);
        if (span.parent) put_id(text, 4, *span.parent);
        put_text(text, 5, span.name);
        put_number(text, 6, static_cast<std::uint64_t>(span.kind));
        put_fixed64(text, 7, unix_nanoseconds(span.begins));
        put_fixed64(text, 8, end_of(span));
        each_attribute(span, dropped, [&](const Attribute& each) { put_attribute(text, 9, each); });
        for (const auto& link : span.links) {
            put_message(text, 13, [&](std::string& to) {
                put_id(to, 1, link.trace_id);
                put_id(to, 2, link.span_id);
            });
        }
        if (!span.failed) return;
        put_message(text, 15, [&](std::string& status) {
            put_text(status, 2, span.why);
            put_number(status, 3, status_error);
        });
    });
}

std::string protobuf_body(const Resource& resource, std::string_view spans) {
    std::string all;
    all.reserve(spans.size() + 512);
    put_message(all, 1, [&](std::string& resource_spans) {
        put_message(resource_spans, 1, [&](std::string& about) {
            for (const auto& [key, value] : resource)
                put_attribute(about, 1, {key, std::string_view(value)});
        });
        put_message(resource_spans, 2, [&](std::string& scope_spans) {
            put_message(scope_spans, 1, [](std::string& by) { put_bytes(by, 1, scope); });
            scope_spans += spans;
        });
    });
    return all;
}

/// Messages of one field number, one behind the other, as append_protobuf() has written them.
/// Of the first span, its tag and length included.
std::size_t protobuf_span_size(std::string_view spans) {
    std::size_t at = 1;  // behind the tag
    std::uint64_t length = 0;
    for (unsigned shift = 0; at < spans.size(); shift += 7) {
        const auto octet = static_cast<std::uint8_t>(spans[at++]);
        length |= static_cast<std::uint64_t>(octet & 0x7f) << shift;
        if ((octet & 0x80) == 0) break;
    }
    return std::min(at + length, spans.size());
}

// --- JSON: as protobuf's mapping has it, but ids are hex (OTLP, "JSON Protobuf Encoding") ---

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    telemetry::append_json_text(out, text);
    out += '"';
}

void append_hex(std::string& out, std::span<const std::uint8_t> id) {
    for (const auto octet : id) fmt::format_to(std::back_inserter(out), "{:02x}", octet);
}

void append_json_attribute(std::string& out, const Attribute& attribute) {
    out += "{\"key\":";
    append_quoted(out, attribute.key);
    out += ",\"value\":{";
    if (const auto* text = std::get_if<std::string_view>(&attribute.value)) {
        out += "\"stringValue\":";
        append_quoted(out, *text);
    } else if (const auto* flag = std::get_if<bool>(&attribute.value)) {
        fmt::format_to(std::back_inserter(out), "\"boolValue\":{}", *flag);
    } else if (const auto* number = std::get_if<std::int64_t>(&attribute.value)) {
        fmt::format_to(std::back_inserter(out), "\"intValue\":\"{}\"", *number);
    } else {
        const auto value = std::get<double>(attribute.value);
        fmt::format_to(std::back_inserter(out), "\"doubleValue\":{}",
                       std::isfinite(value) ? value : 0.0);
    }
    out += "}}";
}

void append_json_links(std::string& out, std::span<const telemetry::TraceContext> links) {
    out += ",\"links\":[";
    for (const auto& link : links) {
        if (&link != links.data()) out += ',';
        out += "{\"traceId\":\"";
        append_hex(out, link.trace_id);
        out += "\",\"spanId\":\"";
        append_hex(out, link.span_id);
        out += "\"}";
    }
    out += ']';
}

/// With a line feed behind it, which no span has within.
void append_json(std::string& out, const telemetry::TraceId& trace, const SpanRecord& span,
                 std::uint64_t dropped) {
    out += "{\"traceId\":\"";
    append_hex(out, trace);
    out += "\",\"spanId\":\"";
    append_hex(out, span.id);
    if (span.parent) {
        out += "\",\"parentSpanId\":\"";
        append_hex(out, *span.parent);
    }
    out += "\",\"name\":";
    append_quoted(out, span.name);
    fmt::format_to(std::back_inserter(out),
                   ",\"kind\":{},\"startTimeUnixNano\":\"{}\",\"endTimeUnixNano\":\"{}\"",
                   static_cast<int>(span.kind), unix_nanoseconds(span.begins), end_of(span));
    out += ",\"attributes\":[";
    bool first = true;
    each_attribute(span, dropped, [&](const Attribute& each) {
        if (!std::exchange(first, false)) out += ',';
        append_json_attribute(out, each);
    });
    out += ']';
    if (!span.links.empty()) append_json_links(out, span.links);
    if (span.failed) {
        out += ",\"status\":{\"code\":2,\"message\":";
        append_quoted(out, span.why);
        out += '}';
    }
    out += "}\n";
}

std::string json_body(const Resource& resource, std::string_view spans) {
    std::string all = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[";
    bool first = true;
    for (const auto& [key, value] : resource) {
        if (!std::exchange(first, false)) all += ',';
        append_json_attribute(all, {key, std::string_view(value)});
    }
    all += "]},\"scopeSpans\":[{\"scope\":{\"name\":";
    append_quoted(all, scope);
    all += "},\"spans\":[";
    if (spans.ends_with('\n')) spans.remove_suffix(1);
    const auto at = static_cast<std::ptrdiff_t>(all.size());
    all += spans;
    std::replace(all.begin() + at, all.end(), '\n', ',');
    all += "]}]}]}";
    return all;
}

}  // namespace

std::string_view content_type(Encoding encoding) {
    return encoding == Encoding::protobuf ? "application/x-protobuf" : "application/json";
}

void append_span(std::string& out, Encoding encoding, const telemetry::TraceId& trace,
                 const SpanRecord& span, std::uint64_t spans_dropped) {
    if (encoding == Encoding::protobuf)
        append_protobuf(out, trace, span, spans_dropped);
    else
        append_json(out, trace, span, spans_dropped);
}

std::string body(Encoding encoding, const Resource& resource, std::string_view spans) {
    return encoding == Encoding::protobuf ? protobuf_body(resource, spans)
                                          : json_body(resource, spans);
}

namespace {
std::size_t span_size(Encoding encoding, std::string_view spans) {
    return encoding == Encoding::protobuf ? protobuf_span_size(spans) : spans.find('\n') + 1;
}
}  // namespace

std::string_view first_spans(Encoding encoding, std::string_view spans, std::size_t bytes_max) {
    std::size_t end = 0;
    while (end < spans.size()) {
        const auto next = end + span_size(encoding, spans.substr(end));
        if (end > 0 && next > bytes_max) break;
        end = next;
    }
    return spans.substr(0, end);
}

std::size_t count(Encoding encoding, std::string_view spans) {
    std::size_t found = 0;
    for (; !spans.empty(); ++found) spans.remove_prefix(span_size(encoding, spans));
    return found;
}

}  // namespace gh::exporting::otlp
