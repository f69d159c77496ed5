#include "telemetry/timestamp.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace gh::telemetry {
namespace {

void write_digits(char* out, unsigned value, int digits) noexcept {
    for (int i = digits - 1; i >= 0; --i) {
        out[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

/// "YYYY-MM-DDTHH:MM:SS"
void write_seconds(char* out, std::chrono::sys_seconds time) noexcept {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(time - day);
    write_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out[4] = '-';
    write_digits(out + 5, static_cast<unsigned>(date.month()), 2);
    out[7] = '-';
    write_digits(out + 8, static_cast<unsigned>(date.day()), 2);
    out[10] = 'T';
    write_digits(out + 11, static_cast<unsigned>(clock.hours().count()), 2);
    out[13] = ':';
    write_digits(out + 14, static_cast<unsigned>(clock.minutes().count()), 2);
    out[16] = ':';
    write_digits(out + 17, static_cast<unsigned>(clock.seconds().count()), 2);
}

struct Remembered {
    std::chrono::sys_seconds second{std::chrono::sys_seconds::min()};
    std::array<char, 19> text{};
};

}  // namespace

void write_timestamp(char* out, SystemTime time) noexcept {
    static constinit thread_local Remembered last;
    // The earliest time is no whole second, and there is none before it.
    time = std::max(time, SystemTime::min() + std::chrono::seconds(1));
    const auto second = std::chrono::floor<std::chrono::seconds>(time);
    if (second != last.second) {
        write_seconds(last.text.data(), second);
        last.second = second;
    }
    std::memcpy(out, last.text.data(), last.text.size());
    out[19] = '.';
    const auto millis = std::chrono::floor<std::chrono::milliseconds>(time - second).count();
    write_digits(out + 20, static_cast<unsigned>(millis), 3);
    out[23] = 'Z';
}

std::optional<SystemTime> parse_timestamp(std::string_view text) noexcept {
    using namespace std::chrono;
    constexpr std::string_view shape = "0000-00-00T00:00:00.000Z";
    if (text.size() != shape.size()) return std::nullopt;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool fits = shape[i] == '0' ? text[i] >= '0' && text[i] <= '9' : text[i] == shape[i];
        if (!fits) return std::nullopt;
    }
    const auto number = [&](std::size_t at, std::size_t digits) {
        int value = 0;
        for (const char c : text.substr(at, digits)) value = value * 10 + (c - '0');
        return value;
    };
    const year_month_day date{year{number(0, 4)}, month(static_cast<unsigned>(number(5, 2))),
                              day(static_cast<unsigned>(number(8, 2)))};
    const hours hour(number(11, 2));
    const minutes minute(number(14, 2));
    const seconds second(number(17, 2));
    // Nanoseconds in 64 bits reach no further than these years. Leap seconds have no time of their own.
    if (!date.ok() || date.year() < year{1678} || date.year() > year{2261} || hour > 23h ||
        minute > 59min || second > 59s) {
        return std::nullopt;
    }
    return sys_days(date) + hour + minute + second + milliseconds(number(20, 3));
}

std::string timestamp(SystemTime time) {
    std::string text(timestamp_bytes, '\0');
    write_timestamp(text.data(), time);
    return text;
}

}  // namespace gh::telemetry
