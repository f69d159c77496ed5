#include "codec/hex.hpp"

#include <cstdint>

namespace gh::codec {

std::string encode_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

Result<std::string> decode_hex(std::string_view text) {
    if (text.size() % 2 != 0) return fail(ErrorKind::invalid_argument, "hex.malformed");
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return fail(ErrorKind::invalid_argument, "hex.malformed");
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

}  // namespace gh::codec
