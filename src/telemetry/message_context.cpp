#include "telemetry/message_context.hpp"

#include <charconv>

#include "codec/json.hpp"
#include "codec/json_writer.hpp"

namespace gh::telemetry {
namespace {

constexpr std::size_t bytes_max = 1024;
constexpr std::size_t trace_id_digits = 32, span_id_digits = 16;

/// As two hex digits; nothing where it is no octet.
std::optional<std::string> flags_of(const codec::json::Value& value) {
    constexpr std::string_view hex = "0123456789abcdef";
    if (const auto* text = value.string())
        return text->size() == 2 ? std::optional(*text) : std::nullopt;
    const auto number = value.integer();
    if (!number || *number < 0 || *number > 255) return {};
    const auto octet = static_cast<unsigned>(*number);
    return std::string{hex[octet >> 4], hex[octet & 15]};
}

}  // namespace

std::string to_message_context(const TraceContext& context) {
    const auto parent = to_traceparent(context);
    std::string json;
    codec::json::Writer out(json);
    out.begin_object().name("trace_id").string(parent.trace_id());
    out.name("span_id").string(parent.span_id());
    out.name("trace_flags").integer(context.sampled ? 1 : 0).end_object();
    return json;
}

std::optional<TraceContext> parse_message_context(std::string_view json) {
    const auto read = codec::json::parse(json, {.bytes_max = bytes_max, .depth_max = 2});
    if (!read) return {};
    const auto* trace_id = read->find_string("trace_id");
    const auto* span_id = read->find_string("span_id");
    const auto* flags = read->find("trace_flags");
    if (trace_id == nullptr || span_id == nullptr || flags == nullptr) return {};
    if (trace_id->size() != trace_id_digits || span_id->size() != span_id_digits) return {};
    const auto octet = flags_of(*flags);
    if (!octet) return {};
    return parse_traceparent("00-" + *trace_id + "-" + *span_id + "-" + *octet);
}

}  // namespace gh::telemetry
