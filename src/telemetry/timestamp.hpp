#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace gh::telemetry {

/// "2026-01-31T23:59:59.123Z"
inline constexpr std::size_t timestamp_bytes = 24;

/// RFC 3339, UTC, milliseconds (cut, not rounded). The seconds are remembered per thread, so that
/// lines of the same second format three digits.
/// @param out  room for timestamp_bytes
void write_timestamp(char* out, SystemTime time) noexcept;

[[nodiscard]] std::string timestamp(SystemTime time);

/// Reads exactly what timestamp() writes, years 1678 to 2261.
[[nodiscard]] std::optional<SystemTime> parse_timestamp(std::string_view text) noexcept;

}  // namespace gh::telemetry
