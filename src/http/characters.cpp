#include "http/characters.hpp"

#include <array>
#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace gh::http {
namespace {

enum Class : std::uint8_t {
    token_char = 1,
    value_char = 2,
    target_char = 4,
    host_char = 8,
    address_char = 16
};

constexpr bool is_alphanumeric(unsigned c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_hex(unsigned c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

consteval std::array<std::uint8_t, 256> make_classes() {
    constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
    constexpr std::string_view host_marks = "-._~";
    std::array<std::uint8_t, 256> classes{};
    for (unsigned c = 0; c < 256; ++c) {
        const auto mark = static_cast<char>(c);
        std::uint8_t bits = 0;
        if (is_alphanumeric(c) || token_marks.contains(mark)) bits |= token_char;
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= value_char;
        if (c > 0x20 && c < 0x7f && c != '#') bits |= target_char;
        if (is_alphanumeric(c) || host_marks.contains(mark)) bits |= host_char;
        if (is_hex(c) || c == ':' || c == '.') bits |= address_char;
        if (c == 0) bits = 0;
        classes[c] = bits;
    }
    return classes;
}

constexpr auto classes = make_classes();

bool is(char c, Class kind) { return (classes[static_cast<unsigned char>(c)] & kind) != 0; }

std::size_t prefix(std::string_view text, std::size_t from, Class kind) {
    while (from < text.size() && is(text[from], kind)) ++from;
    return from;
}

bool is_all(std::string_view text, Class kind) {
    return !text.empty() && prefix(text, 0, kind) == text.size();
}

bool is_port(std::string_view text) {
    if (text.empty() || text.size() > 5) return false;
    unsigned port = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        port = port * 10 + static_cast<unsigned>(c - '0');
    }
    return port <= 65535;
}

#if defined(__SSE2__)
__m128i load_16(const char* at) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at)); }
#endif

}  // namespace

std::size_t value_prefix(std::string_view text) {
    std::size_t at = 0;
#if defined(__SSE2__)
    const auto last_control = _mm_set1_epi8(0x1f);
    const auto del = _mm_set1_epi8(0x7f);
    const auto tab = _mm_set1_epi8('\t');
    for (; at + 16 <= text.size(); at += 16) {
        const auto bytes = load_16(text.data() + at);
        const auto control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        const auto wrong = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control),
                                        _mm_cmpeq_epi8(bytes, del));
        const auto bits = static_cast<unsigned>(_mm_movemask_epi8(wrong));
        if (bits != 0) return at + static_cast<std::size_t>(std::countr_zero(bits));
    }
#endif
    return prefix(text, at, value_char);
}

std::size_t target_prefix(std::string_view text) {
    std::size_t at = 0;
#if defined(__SSE2__)
    const auto first_visible = _mm_set1_epi8(0x21);
    const auto del = _mm_set1_epi8(0x7f);
    const auto fragment = _mm_set1_epi8('#');
    for (; at + 16 <= text.size(); at += 16) {
        const auto bytes = load_16(text.data() + at);
        // Signed: what is not ASCII is less than zero.
        const auto wrong =
            _mm_or_si128(_mm_cmplt_epi8(bytes, first_visible),
                         _mm_or_si128(_mm_cmpeq_epi8(bytes, del), _mm_cmpeq_epi8(bytes, fragment)));
        const auto bits = static_cast<unsigned>(_mm_movemask_epi8(wrong));
        if (bits != 0) return at + static_cast<std::size_t>(std::countr_zero(bits));
    }
#endif
    return prefix(text, at, target_char);
}

std::size_t token_prefix(std::string_view text) {
    std::size_t at = 0;
#if defined(__SSE2__)
    // Names are letters, digits and '-' nearly always; the table judges what is not.
    const auto case_bit = _mm_set1_epi8(0x20);
    const auto before_a = _mm_set1_epi8('a' - 1);
    const auto after_z = _mm_set1_epi8('z' + 1);
    const auto before_0 = _mm_set1_epi8('0' - 1);
    const auto after_9 = _mm_set1_epi8('9' + 1);
    const auto dash = _mm_set1_epi8('-');
    for (; at + 16 <= text.size(); at += 16) {
        const auto bytes = load_16(text.data() + at);
        const auto folded = _mm_or_si128(bytes, case_bit);
        const auto letter =
            _mm_and_si128(_mm_cmpgt_epi8(folded, before_a), _mm_cmplt_epi8(folded, after_z));
        const auto digit =
            _mm_and_si128(_mm_cmpgt_epi8(bytes, before_0), _mm_cmplt_epi8(bytes, after_9));
        const auto plain = _mm_or_si128(_mm_or_si128(letter, digit), _mm_cmpeq_epi8(bytes, dash));
        const auto bits = static_cast<unsigned>(_mm_movemask_epi8(plain));
        if (bits != 0xffffU) {
            at += static_cast<std::size_t>(std::countr_one(bits));
            break;
        }
    }
#endif
    return prefix(text, at, token_char);
}

bool is_token(std::string_view text) { return is_all(text, token_char); }

bool is_target(std::string_view text) {
    return !text.empty() && target_prefix(text) == text.size();
}

bool is_field_value(std::string_view text) {
    return value_prefix(text) == text.size() && trim(text).size() == text.size();
}

bool is_authority(std::string_view text) {
    constexpr std::size_t bytes_max = 255;
    if (text.empty() || text.size() > bytes_max) return false;
    std::string_view rest;
    if (text.front() == '[') {
        const auto close = text.find(']');
        if (close == std::string_view::npos || close < 3) return false;
        if (!is_all(text.substr(1, close - 1), address_char)) return false;
        rest = text.substr(close + 1);
    } else {
        const auto end = prefix(text, 0, host_char);
        if (end == 0) return false;
        rest = text.substr(end);
    }
    return rest.empty() || (rest.front() == ':' && is_port(rest.substr(1)));
}

std::string_view next_element(std::string_view& list) {
    while (!list.empty()) {
        const auto comma = list.find(',');
        const auto element = trim(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
        if (!element.empty()) return element;
    }
    return {};
}

}  // namespace gh::http
