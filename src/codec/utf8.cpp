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

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto first = static_cast<std::uint8_t>(text[0]);
        text.remove_prefix(1);
        if (first < 0x80) continue;
        const auto rest = utf8_rest(first);
        if (rest.bytes == 0 || text.size() < rest.bytes) return false;
        for (std::size_t i = 0; i < rest.bytes; ++i) {
            const auto byte = static_cast<std::uint8_t>(text[i]);
            const auto low = i == 0 ? rest.low : 0x80, high = i == 0 ? rest.high : 0xbf;
            if (byte < low || byte > high) return false;
        }
        text.remove_prefix(rest.bytes);
    }
    return true;
}

}  // namespace gh::codec
