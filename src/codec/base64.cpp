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

/// What a character gives at each of the four places of a group, shifted; a stranger sets a bit above all of them.
struct Tables {
    Values values;
    std::array<std::array<std::uint32_t, 256>, 4> shifted{};
};
constexpr std::uint32_t strange = 1U << 31;

constexpr Tables tables_of(std::string_view alphabet) {
    Tables tables{.values = values_of(alphabet)};
    for (std::size_t c = 0; c < 256; ++c) {
        const std::uint32_t value = tables.values[c];
        for (std::size_t place = 0; place < 4; ++place)
            tables.shifted[place][c] = value == stranger ? strange : value << (18 - 6 * place);
    }
    return tables;
}
constexpr Tables standard_tables = tables_of(standard);
constexpr Tables url_safe_tables = tables_of(url_safe);

std::unexpected<Error> malformed() { return fail(ErrorKind::invalid_argument, "base64.malformed"); }

/// `text` without padding.
Result<std::string> decode(std::string_view text, const Tables& tables) {
    const auto left = text.size() % 4;
    if (left == 1) return malformed();
    std::string bytes(text.size() / 4 * 3 + (left == 0 ? 0 : left - 1), '\0');
    char* out = bytes.data();
    std::uint32_t bits = 0;
    std::uint32_t seen = 0;  // strangers are looked for once, at the end
    std::size_t i = 0;
    for (; i + 4 <= text.size(); i += 4) {
        // Not text[i]: the library would look at the bounds of each.
        const auto* const in = reinterpret_cast<const std::uint8_t*>(text.data() + i);
        bits = tables.shifted[0][in[0]] | tables.shifted[1][in[1]] | tables.shifted[2][in[2]] |
               tables.shifted[3][in[3]];
        seen |= bits;
        *out++ = static_cast<char>(bits >> 16);
        *out++ = static_cast<char>(bits >> 8);
        *out++ = static_cast<char>(bits);
    }
    if ((seen & strange) != 0) return malformed();
    if (left != 0) {
        bits = 0;
        for (; i < text.size(); ++i) {
            const auto value = tables.values[static_cast<std::uint8_t>(text[i])];
            if (value == stranger) return malformed();
            bits = bits << 6 | value;
        }
        const int unused = left == 2 ? 4 : 2;
        if ((bits & ((1U << unused) - 1)) != 0) return malformed();
        bits >>= unused;
        if (left == 3) *out++ = static_cast<char>(bits >> 8);
        *out++ = static_cast<char>(bits);
    }
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
    return decode(text, url_safe_tables);
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
    return decode(text, standard_tables);
}

std::string encode_base64(std::string_view bytes) {
    auto text = encode(bytes, standard);
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

}  // namespace gh::codec
