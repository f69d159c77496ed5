// Whatever a crash file says, what is read of it is printable and bounded, and makes an event that is JSON in one line.

#include "telemetry/crash_report.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/json.hpp"
#include "export/sentry_crash.hpp"

namespace {

void demand(bool holds) {
    if (!holds) std::abort();
}

bool printable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gh;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto report = telemetry::parse_crash_report(text);
    if (!report) return 0;
    demand(report->frames.size() <= telemetry::CrashReport::frames_max);
    for (const auto* part : {&report->time, &report->version, &report->build_id, &report->signal,
                             &report->address, &report->exception, &report->thread_name})
        demand(printable(*part) && text.contains(*part));
    const exporting::sentry::About about{
        .version = "0.1.0", .release = {}, .environment = {}, .server_name = {}};
    const auto event = exporting::sentry::event_of_crash(*report, about, "0");
    demand(!event.contains('\n'));
    demand(codec::json::parse(event, {.bytes_max = 4 << 20}).has_value());
    return 0;
}
