#include "telemetry/log.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <iterator>
#include <utility>

#include "telemetry/json_text.hpp"
#include "telemetry/timestamp.hpp"

namespace gh::telemetry {
namespace {

constexpr std::array<std::string_view, 4> level_names{"DEBUG", "INFO", "WARNING", "ERROR"};

/// The buffer of the last line this thread made, for the next one.
std::string& spare() {
    thread_local std::string text;
    return text;
}

}  // namespace

std::string_view name_of(LogLevel level) { return level_names[static_cast<std::size_t>(level)]; }

std::optional<LogLevel> log_level_of(std::string_view text) {
    std::string upper(text.substr(0, 16));
    for (char& c : upper) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    if (upper == "WARN") return LogLevel::warning;
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (upper == level_names[i]) return static_cast<LogLevel>(i);
    }
    return std::nullopt;
}

LogLine::LogLine(const Log& log, LogLevel level, std::string_view component,
                 std::string_view message)
    : sink_(&log.sink_), text_(std::exchange(spare(), {})) {
    text_.assign("{\"timestamp\":\"");
    const auto begin = text_.size();
    text_.resize(begin + timestamp_bytes);
    write_timestamp(text_.data() + begin, log.now_());
    text_.append("\",\"level\":\"").append(name_of(level)).append("\"");
    field("component", component);
    field("message", message);
    text_.append(log.common_);
}

LogLine::~LogLine() {
    if (sink_ == nullptr) return;
    text_.append("}\n");
    sink_->append(text_);
    spare() = std::move(text_);
}

bool LogLine::key(std::string_view key) {
    if (sink_ == nullptr || text_.size() >= line_bytes_max) return false;
    text_.append(",\"").append(key).append("\":");
    return true;
}

LogLine& LogLine::field(std::string_view name, std::string_view value) {
    if (!key(name)) return *this;
    text_ += '"';
    append_json_text(text_, cut_utf8(value, value_bytes_max));
    text_ += '"';
    return *this;
}

LogLine& LogLine::field(std::string_view name, double value) {
    if (!key(name)) return *this;
    if (std::isfinite(value)) {
        fmt::format_to(std::back_inserter(text_), "{}", value);
    } else {
        text_ += "null";  // JSON has no such number
    }
    return *this;
}

LogLine& LogLine::boolean(std::string_view name, bool value) {
    if (key(name)) text_ += value ? "true" : "false";
    return *this;
}

LogLine& LogLine::number(std::string_view name, std::int64_t value) {
    const fmt::format_int digits(value);
    if (key(name)) text_.append(digits.data(), digits.size());
    return *this;
}

LogLine& LogLine::unsigned_number(std::string_view name, std::uint64_t value) {
    const fmt::format_int digits(value);
    if (key(name)) text_.append(digits.data(), digits.size());
    return *this;
}

LogLine& LogLine::error(const Error& error) {
    field("reason", error.reason);
    return error.detail.empty() ? *this : field("detail", error.detail);
}

void Log::add_common(std::string_view key, std::string_view value) {
    common_.append(",\"").append(key).append("\":\"");
    append_json_text(common_, cut_utf8(value, LogLine::value_bytes_max));
    common_ += '"';
}

}  // namespace gh::telemetry
