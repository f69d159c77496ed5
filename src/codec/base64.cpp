#include "codec/base64.hpp"

#include <array>
#include <cstdint>

namespace gh::codec {
namespace {

constexpr std::string_view standard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_safe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t stranger = 255;

using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(std::string_view alphabet) {
    Values values{};
    values.fill(stranger);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}
constexpr Values standard_values = values_of(standard);
constexpr Values url_safe_values = values_of(url_safe);

std::unexpected<Error> malformed() { return fail(ErrorKind::invalid_argument, "base64.malformed"); }

/// `text` without padding.
Result<std::string> decode(std::string_view text, const Values& values) {
    const auto left = text.size() % 4;
    if (left == 1) return malformed();
    std::string bytes(text.size() / 4 * 3 + (left == 0 ? 0 : left - 1), '\0');
    std::size_t out = 0;
    std::uint32_t bits = 0;
    std::uint8_t seen =
        0;  // grows past 63 when a stranger was among them: looked at once, at the end
    std::size_t i = 0;
    for (; i + 4 <= text.size(); i += 4) {
        bits = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const auto value = values[static_cast<std::uint8_t>(text[i + k])];
            seen |= value;
            bits = bits << 6 | value;
        }
        bytes[out++] = static_cast<char>(bits >> 16);
        bytes[out++] = static_cast<char>(bits >> 8);
        bytes[out++] = static_cast<char>(bits);
    }
    if (left != 0) {
        bits = 0;
        for (; i < text.size(); ++i) {
            const auto value = values[static_cast<std::uint8_t>(text[i])];
            seen |= value;
            bits = bits << 6 | value;
        }
        const int unused = left == 2 ? 4 : 2;
        if ((bits & ((1U << unused) - 1)) != 0) return malformed();
        bits >>= unused;
        if (left == 3) bytes[out++] = static_cast<char>(bits >> 8);
        bytes[out++] = static_cast<char>(bits);
    }
    if (seen > 63) return malformed();
    return bytes;
}

std::string encode(std::string_view bytes, std::string_view alphabet) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    std::uint32_t bits = 0;
    int held = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<std::uint8_t>(c);
        held += 8;
        while (held >= 6) {
            held -= 6;
            text += alphabet[bits >> held & 63];
        }
    }
    if (held > 0) text += alphabet[bits << (6 - held) & 63];
    return text;
}

}  // namespace

Result<std::string> decode_base64url(std::string_view text) {
    return decode(text, url_safe_values);
}

std::string encode_base64url(std::string_view bytes) { return encode(bytes, url_safe); }

Result<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return malformed();
    if (text.ends_with("==")) {
        text.remove_suffix(2);
        if (text.size() % 4 != 2) return malformed();
    } else if (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return decode(text, standard_values);
}

std::string encode_base64(std::string_view bytes) {
    auto text = encode(bytes, standard);
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

}  // namespace gh::codec
