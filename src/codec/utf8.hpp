#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gh::codec {

/// How a character beyond ASCII goes on after its first byte (RFC 3629 §4): the bounds of the second byte, and how many.
/// All later bytes lie between 0x80 and 0xbf.
struct Utf8Rest {
    std::size_t bytes = 0;  // 0: no character begins so
    std::uint8_t low = 0x80, high = 0xbf;
};
[[nodiscard]] Utf8Rest utf8_rest(std::uint8_t first);

/// Bytes of the character at the front; 0 when there is none.
/// @param text  not empty
[[nodiscard]] std::size_t utf8_character_bytes(std::string_view text);

/// How many characters (code points) there are: whole ones only, nothing overlong, no surrogates, nothing beyond Unicode.
/// NUL and other controls pass. Nothing where the text is no UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_characters(std::string_view text);
[[nodiscard]] inline bool is_utf8(std::string_view text) {
    return utf8_characters(text).has_value();
}

/// Does it hold a control character: C0, DEL or C1 (U+0080 to U+009F)?
/// @param text  UTF-8
[[nodiscard]] bool has_control_character(std::string_view text);

}  // namespace gh::codec
