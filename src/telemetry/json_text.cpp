#include "telemetry/json_text.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace gh::telemetry {
namespace {

constexpr auto plain = [] {
    std::array<bool, 256> table{};
    for (unsigned c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
    return table;
}();

/// Of eight bytes: is any a control character, '"', '\\', DEL or beyond ASCII? May say yes too
/// often, never no.
bool needs_care(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101, high = ones * 0x80;
    const auto has_zero = [](std::uint64_t w) { return (w - ones) & ~w; };
    const std::uint64_t control = (word - ones * 0x20) & ~word;
    const std::uint64_t del = word + ones;  // 0x7f + 1 sets the high bit
    return ((control | has_zero(word ^ (ones * '"')) | has_zero(word ^ (ones * '\\')) | word |
             del) &
            high) != 0;
}

char* write_escape(char* out, unsigned code) noexcept {
    constexpr char digits[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'u';
    out[2] = digits[code >> 12];
    out[3] = digits[(code >> 8) & 15];
    out[4] = digits[(code >> 4) & 15];
    out[5] = digits[code & 15];
    return out + 6;
}

char* write_ascii(char* out, unsigned char c) noexcept {
    char brief = 0;
    switch (c) {
        case '"': brief = '"'; break;
        case '\\': brief = '\\'; break;
        case '\n': brief = 'n'; break;
        case '\r': brief = 'r'; break;
        case '\t': brief = 't'; break;
        default: return write_escape(out, c);
    }
    out[0] = '\\';
    out[1] = brief;
    return out + 2;
}

/// Copies the beginning that needs no care, in whole words, the last of which may overlap the one
/// before.
/// @return how much; the rest of a text of less than four bytes is left to the caller
std::size_t copy_clean(char* out, std::string_view text) noexcept {
    const char* in = text.data();
    const std::size_t size = text.size();
    if (size < 8) {
        if (size < 4) return 0;
        std::uint32_t first, last;
        std::memcpy(&first, in, 4);
        std::memcpy(&last, in + size - 4, 4);
        if (needs_care((std::uint64_t{first} << 32) | last)) return 0;
        std::memcpy(out, &first, 4);
        std::memcpy(out + size - 4, &last, 4);
        return size;
    }
    std::uint64_t word;
    std::size_t done = 0;
    for (; size - done >= 8; done += 8) {
        std::memcpy(&word, in + done, 8);
        if (needs_care(word)) return done;
        std::memcpy(out + done, &word, 8);
    }
    std::memcpy(&word, in + size - 8, 8);
    if (needs_care(word)) return done;
    std::memcpy(out + size - 8, &word, 8);
    return size;
}

char* write_with_care(char* out, std::string_view text) noexcept {
    const char* in = text.data();
    const char* const end = in + text.size();
    while (in != end) {
        const auto c = static_cast<unsigned char>(*in);
        if (plain[c]) {
            *out++ = *in++;
            continue;
        }
        if (c < 0x80) {
            out = write_ascii(out, c);
            ++in;
            continue;
        }
        const auto sequence = utf8_sequence({in, static_cast<std::size_t>(end - in)});
        if (sequence.length == 0) {
            out = write_escape(out, 0xfffd);
        } else if (c == 0xc2 && static_cast<unsigned char>(in[1]) < 0xa0) {
            out = write_escape(out, static_cast<unsigned char>(in[1]));
        } else {
            std::memcpy(out, in, sequence.length);
            out += sequence.length;
        }
        in += sequence.skip;
    }
    return out;
}

}  // namespace

Utf8Sequence utf8_sequence(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {1, 1};
    if (lead < 0xc2 || lead > 0xf4) return {0, 1};
    const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    // The second byte's range keeps out overlong forms, surrogates and what is beyond U+10FFFF
    // (Unicode table 3-7).
    unsigned char low = 0x80, high = 0xbf;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    for (std::size_t i = 1; i < length; ++i) {
        if (i >= text.size() || byte(i) < low || byte(i) > high) return {0, i};
        low = 0x80;
        high = 0xbf;
    }
    return {length, length};
}

std::size_t ascii_run(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101, high = ones * 0x80;
    std::size_t done = 0;
    for (std::uint64_t word; text.size() - done >= sizeof word; done += sizeof word) {
        std::memcpy(&word, text.data() + done, sizeof word);
        // A borrow out of a byte of 0 sets high bits: too many, never too few.
        if (((word | (word - ones)) & high) != 0) break;
    }
    return done;
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes_max) noexcept {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    // Go back to the lead byte of the sequence that the cut would split; one that is ill-formed may
    // be split.
    for (std::size_t back = 1; back <= 3 && back <= end; ++back) {
        const std::size_t lead = end - back;
        const auto c = static_cast<unsigned char>(text[lead]);
        if (c < 0x80) break;
        if (c >= 0xc0) {
            if (utf8_sequence(text.substr(lead)).length > back) end = lead;
            break;
        }
    }
    return text.substr(0, end);
}

char* write_json_text(char* out, std::string_view text) noexcept {
    const std::size_t clean = copy_clean(out, text);
    if (clean == text.size()) [[likely]]
        return out + clean;
    return write_with_care(out + clean, text.substr(clean));
}

void append_json_text(std::string& out, std::string_view text) {
    const auto before = out.size();
    out.resize_and_overwrite(
        before + text.size() * json_growth_max + 8, [&](char* data, std::size_t) {
            return static_cast<std::size_t>(write_json_text(data + before, text) - data);
        });
}

}  // namespace gh::telemetry
