#include "config/unit.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <optional>
#include <span>

namespace gh::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Largest first: the way back takes the first that divides.
constexpr Unit durations[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit sizes[] = {
    {"GiB", 1ULL << 30}, {"GB", 1'000'000'000}, {"MiB", 1ULL << 20}, {"MB", 1'000'000},
    {"KiB", 1ULL << 10}, {"kB", 1'000},         {"KB", 1'000},       {"B", 1},
};

struct Amount {
    std::uint64_t number;
    std::string_view unit;
};

/// Digits, then whatever follows; leading zeros refused, for somebody would read them as octal.
std::optional<Amount> split(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (digits > 1 && text.front() == '0') return std::nullopt;
    return Amount{number, text.substr(digits)};
}

std::optional<std::uint64_t> scaled(const Amount& amount, std::span<const Unit> units,
                                    std::uint64_t most) {
    for (const auto& unit : units) {
        if (unit.name != amount.unit) continue;
        if (amount.number > most / unit.factor) return std::nullopt;
        return amount.number * unit.factor;
    }
    return std::nullopt;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr std::uint64_t hundred_years = 36'525ULL * 86'400'000ULL;
    const auto amount = split(text);
    const auto value = amount ? scaled(*amount, durations, hundred_years) : std::nullopt;
    if (!value) {
        return fail(ErrorKind::invalid_argument, "config.duration",
                    "is not a duration, allowed: a whole number with ms, s, m, h or d, such as "
                    "500ms or 30d");
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

Result<std::uint64_t> parse_size(std::string_view text) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    auto amount = split(text);
    if (amount && amount->unit.empty()) amount->unit = "B";
    const auto value = amount ? scaled(*amount, sizes, most) : std::nullopt;
    if (!value) {
        return fail(ErrorKind::invalid_argument, "config.size",
                    "is not a size, allowed: a whole number of bytes, or one with kB, MB, GB "
                    "(powers of 1000) or KiB, "
                    "MiB, GiB (powers of 1024)");
    }
    return *value;
}

Result<std::int64_t> parse_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = text.starts_with('-') ? text.substr(1) : text;
    if (error != std::errc{} || end != text.data() + text.size() ||
        (digits.size() > 1 && digits.front() == '0')) {
        return fail(ErrorKind::invalid_argument, "config.integer", "is not a whole number");
    }
    return value;
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto value = static_cast<std::uint64_t>(duration.count());
    if (value == 0) return "0s";
    for (const auto& unit : durations) {
        if (value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
    }
    return fmt::format("{}ms", value);
}

std::string size_text(std::uint64_t bytes) {
    for (const auto& unit : sizes) {
        if (bytes != 0 && unit.factor > 1 && bytes % unit.factor == 0) {
            return fmt::format("{}{}", bytes / unit.factor, unit.name);
        }
    }
    return fmt::format("{}", bytes);
}

Result<std::chrono::system_clock::time_point> parse_time(std::string_view text) {
    constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:ddZ";
    bool fits = text.size() == pattern.size();
    for (std::size_t i = 0; fits && i < pattern.size(); ++i) {
        fits = pattern[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == pattern[i];
    }
    if (fits) {
        const auto number = [text](std::size_t at, std::size_t digits) {
            int value = 0;
            for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
            return value;
        };
        const std::chrono::year_month_day day{
            std::chrono::year(number(0, 4)),
            std::chrono::month(static_cast<unsigned>(number(5, 2))),
            std::chrono::day(static_cast<unsigned>(number(8, 2)))};
        const int hour = number(11, 2);
        const int minute = number(14, 2);
        const int second = number(17, 2);
        // Before 2262 a time point of nanoseconds holds it.
        if (day.ok() && number(0, 4) >= 1970 && number(0, 4) < 2262 && hour < 24 && minute < 60 &&
            second < 60) {
            return std::chrono::sys_days(day) + std::chrono::hours(hour) +
                   std::chrono::minutes(minute) + std::chrono::seconds(second);
        }
    }
    return fail(ErrorKind::invalid_argument, "config.time",
                "is not a time, allowed: RFC 3339 in UTC, such as 2027-01-31T00:00:00Z");
}

std::string time_text(std::chrono::system_clock::time_point time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto rest = std::chrono::floor<std::chrono::seconds>(time - day).count();
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       rest / 3600, rest / 60 % 60, rest % 60);
}

}  // namespace gh::config
