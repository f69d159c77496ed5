// The trace that a message says it belongs to. Whatever is read is written again as the same.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "telemetry/message_context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh::telemetry;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto context = parse_message_context(input);
    if (!context) return 0;
    if (context->trace_id == TraceId{} || context->span_id == SpanId{}) std::abort();
    if (parse_message_context(to_message_context(*context)) != context) std::abort();
    return 0;
}
