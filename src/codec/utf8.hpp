#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gh::codec {

/// How a character beyond ASCII goes on after its first byte (RFC 3629 §4): the bounds of the second byte, and how many.
/// All later bytes lie between 0x80 and 0xbf.
struct Utf8Rest {
    std::size_t bytes = 0;  // 0: no character begins so
    std::uint8_t low = 0x80, high = 0xbf;
};
[[nodiscard]] Utf8Rest utf8_rest(std::uint8_t first);

/// Whole characters only: nothing overlong, no surrogates, nothing beyond Unicode. NUL and other controls pass.
[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace gh::codec
