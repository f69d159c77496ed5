#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace gh::codec {

/// Bytes of the well-formed UTF-8 character at the front (RFC 3629 §4); 0 when there is none.
/// @param text  not empty
[[nodiscard]] std::size_t utf8_character_bytes(std::string_view text);

/// How many characters (code points) `text` has; nothing where it is not UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_characters(std::string_view text);

/// Does it hold a control character: C0, DEL or C1 (U+0080 to U+009F)?
/// @param text  UTF-8
[[nodiscard]] bool has_control_character(std::string_view text);

}  // namespace gh::codec
