#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::config {

/// A whole number and a unit, nothing between: `500ms 10s 5m 24h 30d`. A number alone is refused: seconds to one are
/// milliseconds to another.
/// @return `invalid_argument` "config.duration"; at most 100 years
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A whole number of bytes, or one with a unit: `64KiB 10MB`. kB MB GB are powers of 1000, KiB MiB GiB of 1024.
/// @return `invalid_argument` "config.size"
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// Decimal digits with an optional minus; no plus, no leading zero, no underscore.
/// @return `invalid_argument` "config.integer"
[[nodiscard]] Result<std::int64_t> parse_integer(std::string_view text);

/// The same, the other way: in the largest unit that is exact.
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// A moment in UTC to the second: `2027-01-31T00:00:00Z` (RFC 3339 §5.6, offset Z only).
/// @return `invalid_argument` "config.time"
[[nodiscard]] Result<std::chrono::system_clock::time_point> parse_time(std::string_view text);
[[nodiscard]] std::string time_text(std::chrono::system_clock::time_point time);

}  // namespace gh::config
