#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace gh::crypto {

using Bytes = std::span<const std::uint8_t>;

/// The same bytes, seen as numbers.
[[nodiscard]] inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The same bytes, seen as text.
[[nodiscard]] inline std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace gh::crypto
