#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace gh::telemetry {

/// One address of a stack.
struct CrashFrame {
    std::uint64_t address = 0;
    std::string module;        ///< "gatehouse", "libc.so.6"; empty: in none that was known
    std::uint64_t linked = 0;  ///< the same address as the module's own file counts
    std::string function;      ///< as the symbol table has it; empty: it has none
    std::uint64_t into = 0;    ///< bytes behind the function's beginning
    friend bool operator==(const CrashFrame&, const CrashFrame&) = default;
};

/// What a process that crashed has left behind.
struct CrashReport {
    static constexpr std::size_t bytes_max = 256 * 1024;
    static constexpr std::size_t frames_max = 128;

    std::string time;      ///< "20260131T235959Z"
    std::string version;   ///< of the house: "0.1.0"
    std::string build_id;  ///< hexadecimal
    std::int64_t process = 0;
    std::int64_t thread = 0;
    std::string thread_name;
    std::string signal;   ///< "SIGSEGV"
    std::string address;  ///< "0x0"; empty: it was no fault of memory
    std::string
        exception;  ///< type of the one that nobody caught, mangled; "none": there was none; empty: not that
    std::uint64_t loaded = 0;        ///< where the program lay
    std::uint64_t size = 0;          ///< and how much of it there was
    std::vector<CrashFrame> frames;  ///< innermost first
    bool whole = false;              ///< written to its end
    friend bool operator==(const CrashReport&, const CrashReport&) = default;
};

/// Reads a crash file as far as it goes: it was written by a process in trouble.
/// @return `corrupt` "crash.malformed": it is none, or says something that no crash file says
[[nodiscard]] Result<CrashReport> parse_crash_report(std::string_view text);

}  // namespace gh::telemetry
