#pragma once

#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "codec/json.hpp"

namespace gh::agents {

/// A moment as programs without a database write it down: seconds, milliseconds, microseconds or nanoseconds since the epoch (told
/// apart by their size, as a number or in quotes), RFC 3339, ISO 8601 with a blank for the T, without seconds, without a zone (then
/// it is UTC) or the date alone, with slashes for hyphens, and the date of HTTP (RFC 9110 §5.6.7).
/// @return nothing: it is none of them, or not between the years 1970 and 2200
[[nodiscard]] std::optional<SystemTime> parse_timestamp(const codec::json::Value& value);
[[nodiscard]] std::optional<SystemTime> parse_timestamp(std::string_view text);

}  // namespace gh::agents
