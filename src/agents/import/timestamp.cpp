#include "agents/import/timestamp.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace gh::agents {
namespace {

using namespace std::chrono;

constexpr std::size_t text_bytes_max = 64;
constexpr std::int64_t microseconds_max = 7'258'118'400'000'000;  // the year 2200
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<SystemTime> since_epoch(double number) {
    // Whatever the unit: a moment of our days has this many digits.
    const double size = std::abs(number);
    const double scale = size < 1e11 ? 1e6 : size < 1e14 ? 1e3 : size < 1e17 ? 1 : 1e-3;
    const double micros = number * scale;
    if (!(micros >= 0) || micros > static_cast<double>(microseconds_max)) return {};
    return SystemTime(microseconds(std::llround(micros)));
}

/// Reads from the front of a text.
class Cursor {
 public:
    explicit Cursor(std::string_view text) : rest_(text) {}
    [[nodiscard]] bool done() const { return rest_.empty(); }
    [[nodiscard]] std::string_view rest() const { return rest_; }

    bool take(std::string_view one_of) {
        if (rest_.empty() || !one_of.contains(rest_.front())) return false;
        rest_.remove_prefix(1);
        return true;
    }
    /// Exactly so many digits.
    std::optional<int> digits(std::size_t count) {
        if (rest_.size() < count) return {};
        int value = 0;
        for (const char c : rest_.substr(0, count)) {
            if (c < '0' || c > '9') return {};
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(count);
        return value;
    }
    /// Digits behind a point, as far as microseconds tell them apart.
    std::optional<microseconds> fraction() {
        std::int64_t value = 0;
        std::size_t count = 0;
        for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count) {
            if (count < 6) value = value * 10 + (rest_.front() - '0');
            rest_.remove_prefix(1);
        }
        if (count == 0) return {};
        for (; count < 6; ++count) value *= 10;
        return microseconds(value);
    }
    std::optional<unsigned> month_name() {
        const auto* found = std::ranges::find(months, rest_.substr(0, 3));
        if (found == months.end()) return {};
        rest_.remove_prefix(3);
        return static_cast<unsigned>(found - months.begin()) + 1;
    }

 private:
    std::string_view rest_;
};

std::optional<SystemTime> day_of(int year, unsigned month, unsigned day) {
    const year_month_day date{std::chrono::year(year), std::chrono::month(month),
                              std::chrono::day(day)};
    if (!date.ok() || year < 1970 || year > 2199) return {};
    return SystemTime(sys_days(date));
}

std::optional<microseconds> clock_of(Cursor& in) {
    const auto hour = in.digits(2);
    if (!hour || !in.take(":")) return {};
    const auto minute = in.digits(2);
    if (!minute || *hour > 23 || *minute > 59) return {};
    microseconds time = hours(*hour) + minutes(*minute);
    if (!in.take(":")) return time;
    const auto second = in.digits(2);
    if (!second || *second > 60) return {};
    time += seconds(std::min(*second, 59));  // a leap second is the end of its minute
    if (!in.take(".,")) return time;
    const auto fraction = in.fraction();
    if (!fraction) return {};
    return time + *fraction;
}

/// How far local time is ahead of UTC.
std::optional<minutes> zone_of(Cursor& in) {
    if (in.done() || in.rest() == "Z" || in.rest() == "z" || in.rest() == " UTC" ||
        in.rest() == "UTC")
        return minutes(0);
    const bool east = in.rest().front() == '+';
    if (!in.take("+-")) return {};
    const auto hour = in.digits(2);
    if (!hour || *hour > 23) return {};
    in.take(":");
    const auto minute = in.done() ? std::optional(0) : in.digits(2);
    if (!minute || *minute > 59 || !in.done()) return {};
    const auto offset = hours(*hour) + minutes(*minute);
    return east ? offset : -offset;
}

std::optional<SystemTime> parse_iso(std::string_view text) {
    Cursor in(text);
    const auto year = in.digits(4);
    if (!year || !in.take("-/")) return {};
    const auto month = in.digits(2);
    if (!month || !in.take("-/")) return {};
    const auto day = in.digits(2);
    if (!day) return {};
    const auto date = day_of(*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day));
    if (!date || in.done()) return date;
    if (!in.take("Tt ")) return {};
    const auto time = clock_of(in);
    if (!time) return {};
    const auto zone = zone_of(in);
    if (!zone) return {};
    const auto moment = *date + *time - *zone;
    if (moment < SystemTime()) return {};
    return moment;
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<SystemTime> parse_http_date(std::string_view text) {
    const auto comma = text.find(", ");
    if (comma != 3) return {};
    Cursor in(text.substr(comma + 2));
    const auto day = in.digits(2);
    if (!day || !in.take(" ")) return {};
    const auto month = in.month_name();
    if (!month || !in.take(" ")) return {};
    const auto year = in.digits(4);
    if (!year || !in.take(" ")) return {};
    const auto time = clock_of(in);
    if (!time || (in.rest() != " GMT" && in.rest() != " UTC" && in.rest() != " +0000")) return {};
    const auto date = day_of(*year, *month, static_cast<unsigned>(*day));
    if (!date) return {};
    return *date + *time;
}

}  // namespace

std::optional<SystemTime> parse_timestamp(std::string_view text) {
    if (text.empty() || text.size() > text_bytes_max) return {};
    double number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (read.ec == std::errc() && read.ptr == end) return since_epoch(number);
    if (auto moment = parse_iso(text)) return moment;
    return parse_http_date(text);
}

std::optional<SystemTime> parse_timestamp(const codec::json::Value& value) {
    if (const auto number = value.number()) return since_epoch(*number);
    if (const auto* text = value.string()) return parse_timestamp(*text);
    return {};
}

}  // namespace gh::agents
