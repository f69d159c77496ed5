#include "app/crash_text.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace gh::app {
namespace {

/// The last `count` digits.
char* digits(char* out, unsigned value, int count) noexcept {
    for (int i = count - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
    return out + count;
}

}  // namespace

CrashText& CrashText::put(std::string_view text) noexcept {
    for (const char c : text) {
        if (size_ == text_.size()) flush();
        text_[size_++] = c;
    }
    return *this;
}

CrashText& CrashText::number(std::uint64_t value) noexcept {
    std::array<char, 20> reversed{};
    std::size_t count = 0;
    do {
        reversed[count++] = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) put({&reversed[--count], 1});
    return *this;
}

CrashText& CrashText::hex(std::uint64_t value) noexcept {
    put("0x");
    int shift = 60;
    while (shift > 0 && (value >> shift) == 0) shift -= 4;
    for (; shift >= 0; shift -= 4) put({&"0123456789abcdef"[(value >> shift) & 0xf], 1});
    return *this;
}

void CrashText::end() noexcept {
    put("\n");
    flush();
}

void CrashText::flush() noexcept {
    std::string_view text(text_.data(), size_);
    while (fd_ >= 0 && !text.empty() && ready()) {
        const auto written = ::write(fd_, text.data(), text.size());
        if (written <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    size_ = 0;
}

/// A pipe that takes anything takes a page, which is more than is ever written at once.
bool CrashText::ready() noexcept {
    constexpr int step_ms = 50;
    pollfd asked{.fd = fd_, .events = POLLOUT, .revents = 0};
    while (::poll(&asked, 1, std::min(step_ms, patience_ms_)) <= 0) {
        if (patience_ms_ <= 0) return false;
        patience_ms_ -= step_ms;
    }
    return (asked.revents & POLLOUT) != 0;
}

void write_crash_time(char* out, std::time_t seconds) noexcept {
    using namespace std::chrono;
    const sys_seconds moment{std::chrono::seconds(seconds)};
    const auto day = floor<days>(moment);
    const year_month_day date(day);
    const hh_mm_ss time(moment - day);
    out = digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
    out = digits(out, static_cast<unsigned>(date.month()), 2);
    out = digits(out, static_cast<unsigned>(date.day()), 2);
    *out++ = 'T';
    out = digits(out, static_cast<unsigned>(time.hours().count()), 2);
    out = digits(out, static_cast<unsigned>(time.minutes().count()), 2);
    out = digits(out, static_cast<unsigned>(time.seconds().count()), 2);
    *out = 'Z';
}

}  // namespace gh::app
