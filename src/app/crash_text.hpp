#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string_view>

namespace gh::app {

/// Text for a descriptor, from a signal handler: no allocation, no lock, no errno. What cannot be written is lost.
class CrashText {
 public:
    /// Of all waits for a pipe or a terminal that nobody reads, together.
    static constexpr int patience_ms = 2'000;

    /// @param fd  -1: nowhere
    explicit CrashText(int fd) noexcept : fd_(fd) {}
    ~CrashText() { flush(); }
    CrashText(const CrashText&) = delete;
    CrashText& operator=(const CrashText&) = delete;

    CrashText& put(std::string_view text) noexcept;
    CrashText& number(std::uint64_t value) noexcept;
    CrashText& hex(std::uint64_t value) noexcept;  ///< 0x7f
    /// Ends the line and lets it go: what is written stays, whatever comes next.
    void end() noexcept;
    void flush() noexcept;

 private:
    [[nodiscard]] bool ready() noexcept;

    std::array<char, 1024> text_;
    std::size_t size_ = 0;
    const int fd_;
    int patience_ms_ = patience_ms;
};

/// "20260131T235959Z" of a moment, in UTC.
inline constexpr std::size_t crash_time_bytes = 16;
void write_crash_time(char* out, std::time_t seconds) noexcept;

}  // namespace gh::app
