#include "codec/utf8.hpp"

namespace gh::codec {

Utf8Rest utf8_rest(std::uint8_t first) {
    if (first >= 0xc2 && first <= 0xdf) return {1};
    if (first == 0xe0) return {2, 0xa0};        // below: overlong
    if (first == 0xed) return {2, 0x80, 0x9f};  // above: surrogates
    if (first >= 0xe1 && first <= 0xef) return {2};
    if (first == 0xf0) return {3, 0x90};        // below: overlong
    if (first == 0xf4) return {3, 0x80, 0x8f};  // above: beyond Unicode
    if (first >= 0xf1 && first <= 0xf3) return {3};
    return {};
}

std::size_t utf8_character_bytes(std::string_view text) {
    const auto first = static_cast<std::uint8_t>(text[0]);
    if (first < 0x80) return 1;
    const auto rest = utf8_rest(first);
    if (rest.bytes == 0 || text.size() <= rest.bytes) return 0;
    for (std::size_t i = 1; i <= rest.bytes; ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        const auto low = i == 1 ? rest.low : 0x80, high = i == 1 ? rest.high : 0xbf;
        if (byte < low || byte > high) return 0;
    }
    return rest.bytes + 1;
}

std::optional<std::size_t> utf8_characters(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        const auto size = utf8_character_bytes(text);
        if (size == 0) return std::nullopt;
        text.remove_prefix(size);
        ++count;
    }
    return count;
}

bool has_control_character(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return true;
        // C1 is 0xc2 and one byte below 0xa0; no other character holds that pair.
        if (byte == 0xc2 && i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) < 0xa0)
            return true;
    }
    return false;
}

}  // namespace gh::codec
