#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

// Structured log lines: one JSON object a line. Where they go is a LogSink's business.

namespace gh::telemetry {

class Log;

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// "DEBUG", "INFO", "WARNING", "ERROR".
[[nodiscard]] std::string_view name_of(LogLevel level);
/// Reads these names in any case, and "warn".
[[nodiscard]] std::optional<LogLevel> log_level_of(std::string_view text);

/// Takes finished lines. Implementations are thread-safe, never block a worker and never throw.
class LogSink {
 public:
    virtual ~LogSink() = default;
    /// @param line  whole lines, the last one ended by '\n' too; copied
    virtual void append(std::string_view line) noexcept = 0;
};

/// Where no log is wanted.
class NoLog final : public LogSink {
 public:
    void append(std::string_view /*line*/) noexcept override {}
};

/// A line in the making; it goes to the sink when this object ends. Below the threshold it costs a
/// compare. Keys are ours: literals of [a-z0-9_.]; values are escaped, cut at `value_bytes_max`,
/// and left out once the line has `line_bytes_max`.
class LogLine {
 public:
    static constexpr std::size_t value_bytes_max = 8 * 1024;
    static constexpr std::size_t line_bytes_max = 32 * 1024;

    LogLine(const LogLine&) = delete;
    LogLine& operator=(const LogLine&) = delete;
    ~LogLine();

    LogLine& field(std::string_view key, std::string_view value);
    LogLine& field(std::string_view key, const char* value) {
        return field(key, std::string_view(value));
    }
    LogLine& field(std::string_view key, const std::string& value) {
        return field(key, std::string_view(value));
    }
    LogLine& field(std::string_view key, double value);
    template <std::integral T>
    LogLine& field(std::string_view key, T value) {
        if constexpr (std::same_as<T, bool>)
            return boolean(key, value);
        else if constexpr (std::signed_integral<T>)
            return number(key, static_cast<std::int64_t>(value));
        else
            return unsigned_number(key, static_cast<std::uint64_t>(value));
    }

    /// The names that every line shares. Empty values are left out.
    LogLine& correlation_id(std::string_view id) {
        return id.empty() ? *this : field("correlation_id", id);
    }
    LogLine& request_id(std::string_view id) {
        return id.empty() ? *this : field("request_id", id);
    }
    LogLine& agent_name(std::string_view name) {
        return name.empty() ? *this : field("agent_name", name);
    }
    /// Fields `reason` and `detail`.
    LogLine& error(const Error& error);

 private:
    friend Log;
    LogLine() noexcept = default;  // says nothing
    LogLine(const Log& log, LogLevel level, std::string_view component, std::string_view message);
    [[nodiscard]] bool key(std::string_view key);
    LogLine& boolean(std::string_view key, bool value);
    LogLine& number(std::string_view key, std::int64_t value);
    LogLine& unsigned_number(std::string_view key, std::uint64_t value);

    LogSink* sink_ = nullptr;
    std::string text_;
};

/// Says it. Thread-safe.
///   log.info("net", "listening").field("address", address).field("port", port);
class Log {
 public:
    using Now = SystemTime (*)();
    explicit Log(LogSink& sink, LogLevel threshold = LogLevel::info,
                 Now now = &std::chrono::system_clock::now) noexcept
        : sink_(sink), threshold_(threshold), now_(now) {}

    /// Adds a field to every line, behind the message: "environment". Before other threads log.
    void add_common(std::string_view key, std::string_view value);

    void set_threshold(LogLevel level) noexcept {
        threshold_.store(level, std::memory_order_relaxed);
    }
    [[nodiscard]] LogLevel threshold() const noexcept {
        return threshold_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool enabled(LogLevel level) const noexcept {
        return level >= threshold_.load(std::memory_order_relaxed);
    }

    /// @param component  the room that speaks: "net", "proxy"
    /// @param message    a fixed sentence; what varies is a field
    [[nodiscard]] LogLine line(LogLevel level, std::string_view component,
                               std::string_view message) {
        if (!enabled(level)) return {};
        return {*this, level, component, message};
    }
    LogLine debug(std::string_view component, std::string_view message) {
        return line(LogLevel::debug, component, message);
    }
    LogLine info(std::string_view component, std::string_view message) {
        return line(LogLevel::info, component, message);
    }
    LogLine warning(std::string_view component, std::string_view message) {
        return line(LogLevel::warning, component, message);
    }
    LogLine error(std::string_view component, std::string_view message) {
        return line(LogLevel::error, component, message);
    }

 private:
    friend LogLine;
    LogSink& sink_;
    std::atomic<LogLevel> threshold_;
    Now now_;
    std::string common_;  // ,"key":"value" and so on
};

}  // namespace gh::telemetry
