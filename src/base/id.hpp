#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace gh {

/// 36 characters, lower case: 8-4-4-4-12.
using UuidText = std::array<char, 36>;

[[nodiscard]] inline std::string_view view(const UuidText& id) { return {id.data(), id.size()}; }

/// Fills `bytes` from the kernel's generator (getrandom), read in blocks and kept per thread.
void random_bytes(std::span<std::uint8_t> bytes);

/// RFC 9562 §5.4: 122 random bits.
[[nodiscard]] UuidText uuid_v4();

/// RFC 9562 §5.7: `now` in milliseconds, then 74 random bits.
[[nodiscard]] UuidText uuid_v7(std::chrono::system_clock::time_point now);

/// The moment that a version 7 UUID was made at, to the millisecond; nothing for any other text.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> time_of_uuid_v7(
    std::string_view text);

}  // namespace gh
