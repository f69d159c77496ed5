#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

/// Lower case.
[[nodiscard]] std::string encode_hex(std::string_view bytes);

/// Either case; an even number of digits and nothing else.
/// @return `invalid_argument` "hex.malformed"
[[nodiscard]] Result<std::string> decode_hex(std::string_view text);

/// 0 to 15, or -1 for what is no hex digit.
[[nodiscard]] constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace gh::codec
