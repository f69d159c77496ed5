#include "export/sentry_crash.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "codec/json_writer.hpp"
#include "export/sentry_event.hpp"
#include "telemetry/demangled.hpp"
#include "telemetry/json_text.hpp"

namespace gh::exporting::sentry {
namespace {

using codec::json::Writer;
using telemetry::CrashFrame;
using telemetry::CrashReport;

constexpr std::string_view own_module = "gatehouse";
constexpr std::size_t function_bytes_max = 1024;

std::string hex(std::uint64_t value) { return fmt::format("{:#x}", value); }

std::string function_of(const CrashFrame& frame) {
    return std::string(
        telemetry::cut_utf8(telemetry::demangled(frame.function), function_bytes_max));
}

/// The same crash is the same issue, wherever the program was loaded.
void append_fingerprint(Writer& out, const CrashReport& report) {
    out.name("fingerprint").begin_array().string("crash").string(report.signal);
    for (const auto& frame : report.frames) {
        if (frame.module != own_module) continue;
        out.string(frame.function.empty() ? hex(frame.linked) : function_of(frame));
        break;
    }
    out.end_array();
}

void append_frames(Writer& out, const CrashReport& report) {
    out.name("stacktrace").begin_object().name("frames").begin_array();
    for (const auto& frame : std::views::reverse(report.frames)) {  // Sentry wants the oldest first
        out.begin_object().name("instruction_addr").string(hex(frame.address));
        if (!frame.module.empty()) out.name("package").string(frame.module);
        if (!frame.function.empty()) {
            out.name("function").string(function_of(frame));
            out.name("symbol_addr").string(hex(frame.address - frame.into));
        }
        out.name("in_app").boolean(frame.module == own_module).end_object();
    }
    out.end_array().end_object();
}

void append_exception(Writer& out, const CrashReport& report) {
    std::string what = "in thread " + report.thread_name;
    if (!report.address.empty()) what += " at address " + report.address;
    if (!report.exception.empty())
        what += ", uncaught exception of type " + telemetry::demangled(report.exception);
    out.name("exception").begin_object().name("values").begin_array().begin_object();
    out.name("type").string(report.signal).name("value").string(what);
    out.name("mechanism").begin_object().name("type").string("signalhandler");
    out.name("handled").boolean(false).end_object();
    append_frames(out, report);
    out.end_object().end_array().end_object();
}

void append_image(Writer& out, const CrashReport& report) {
    const auto debug_id = debug_id_of(report.build_id);
    if (debug_id.empty()) return;
    out.name("debug_meta").begin_object().name("images").begin_array().begin_object();
    out.name("type").string("elf").name("code_file").string(own_module);
    out.name("code_id").string(report.build_id).name("debug_id").string(debug_id);
    out.name("image_addr").string(hex(report.loaded));
    out.name("image_size").integer(static_cast<std::int64_t>(report.size));
    out.end_object().end_array().end_object();
}

/// "20260131T235959Z" as RFC 3339 has it.
std::string timestamp_of(std::string_view time) {
    const bool digits = std::ranges::all_of(
        time, [](char c) { return (c >= '0' && c <= '9') || c == 'T' || c == 'Z'; });
    if (time.size() != 16 || !digits) return "1970-01-01T00:00:00Z";
    return fmt::format("{}-{}-{}T{}:{}:{}Z", time.substr(0, 4), time.substr(4, 2),
                       time.substr(6, 2), time.substr(9, 2), time.substr(11, 2),
                       time.substr(13, 2));
}

}  // namespace

std::string debug_id_of(std::string_view build_id) {
    if (build_id.size() < 32) return {};
    const auto swapped = [&](std::size_t at, std::size_t bytes) {
        std::string out;
        for (std::size_t i = bytes; i > 0; --i) out += build_id.substr(2 * (at + i - 1), 2);
        return out;
    };
    return fmt::format("{}-{}-{}-{}-{}", swapped(0, 4), swapped(4, 2), swapped(6, 2),
                       build_id.substr(16, 4), build_id.substr(20, 12));
}

std::string event_of_crash(const CrashReport& report, const About& about,
                           std::string_view event_id) {
    std::string event;
    Writer out(event);
    const auto timestamp = timestamp_of(report.time);
    out.begin_object();
    append_head(out,
                {.id = event_id,
                 .timestamp = timestamp,
                 .level = "fatal",
                 .logger = "crash",
                 .platform = "native"},
                about);
    append_exception(out, report);
    append_image(out, report);
    append_fingerprint(out, report);
    out.name("tags").begin_object().name("signal").string(report.signal);
    if (!report.version.empty()) out.name("version").string(report.version);
    out.end_object();
    out.end_object();
    return event;
}

}  // namespace gh::exporting::sentry
