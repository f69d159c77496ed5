#include "telemetry/crash_report.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gh::telemetry {
namespace {

constexpr std::string_view first_line = "gatehouse crashed";
constexpr std::size_t value_bytes_max = 512;
constexpr std::size_t function_bytes_max = 4096;

template <class T>
std::optional<T> number(std::string_view text, int base = 10) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> hex(std::string_view text) {
    if (!text.starts_with("0x")) return std::nullopt;
    return number<std::uint64_t>(text.substr(2), 16);
}

/// Up to the next of these; what is behind it stays.
std::string_view cut(std::string_view& text, char at) {
    const auto part = text.substr(0, text.find(at));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    return part;
}

bool plain(std::string_view text, std::size_t bytes_max) {
    return text.size() <= bytes_max &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// "name+0x1f", cut at the last plus.
bool split_offset(std::string_view text, std::string& name, std::uint64_t& offset) {
    const auto plus = text.rfind('+');
    const auto value = plus == text.npos ? std::nullopt : hex(text.substr(plus + 1));
    if (!value || !plain(text.substr(0, plus), function_bytes_max)) return false;
    name = text.substr(0, plus);
    offset = *value;
    return true;
}

/// "#0 0x7f01 libc.so.6+0x1 abort+0x2", the last two where they are known.
std::optional<CrashFrame> frame_of(std::string_view line) {
    CrashFrame frame;
    (void)cut(line, ' ');
    const auto address = hex(cut(line, ' '));
    if (!address) return std::nullopt;
    frame.address = *address;
    const auto module = cut(line, ' ');
    if (!module.empty() && !split_offset(module, frame.module, frame.linked)) return std::nullopt;
    if (!line.empty() && !split_offset(line, frame.function, frame.into)) return std::nullopt;
    return frame;
}

/// @return false: no such line
bool take_line(CrashReport& report, std::string_view name, std::string_view value) {
    if (!std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 0x7f; })) return false;
    if (value.size() > value_bytes_max) return false;
    const auto put = [&](std::string& to) {
        to = value;
        return true;
    };
    if (name == "time") return put(report.time);
    if (name == "version") return put(report.version);
    if (name == "build id") return put(report.build_id);
    if (name == "address") return put(report.address);
    if (name == "exception") return put(report.exception);
    const auto first = cut(value, ' ');
    if (name == "process") {
        report.process = number<std::int64_t>(first).value_or(0);
    } else if (name == "thread") {
        report.thread = number<std::int64_t>(first).value_or(0);
        report.thread_name = value;
    } else if (name == "signal") {
        report.signal = value;
    } else if (name == "loaded") {
        report.loaded = hex(first).value_or(0);
        report.size = hex(value).value_or(0);
    } else {
        return false;
    }
    return true;
}

}  // namespace

Result<CrashReport> parse_crash_report(std::string_view text) {
    const auto refuse = [] { return fail(ErrorKind::corrupt, "crash.malformed"); };
    if (text.size() > CrashReport::bytes_max || cut(text, '\n') != first_line) return refuse();
    CrashReport report;
    while (text.contains('\n')) {  // a line that has no end was cut
        auto line = cut(text, '\n');
        if (line == "end") {
            report.whole = true;
            break;
        }
        if (line.starts_with('#')) {
            auto frame = frame_of(line);
            if (!frame || report.frames.size() == CrashReport::frames_max) return refuse();
            report.frames.push_back(*std::move(frame));
        } else if (line != "stack:") {
            const auto name = cut(line, ':');
            if (line.starts_with(' ')) line.remove_prefix(1);
            if (!take_line(report, name, line)) return refuse();
        }
    }
    if (report.signal.empty()) return refuse();
    return report;
}

}  // namespace gh::telemetry
