#include "gateway/trace_context.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/id.hpp"

namespace gh::gateway {
namespace {

constexpr std::size_t length = 55;  // 00-<32>-<16>-<2>
constexpr std::size_t trace_at = 3, span_at = 36, flags_at = 53;

bool is_hex(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_valid(std::string_view given) {
    if (given.size() < length || given.starts_with("ff") || !is_hex(given.substr(0, 2)))
        return false;
    if (given.starts_with("00") ? given.size() != length
                                : given.size() > length && given[length] != '-')
        return false;
    const auto trace = given.substr(trace_at, 32), span = given.substr(span_at, 16);
    return given[2] == '-' && given[35] == '-' && given[52] == '-' && is_hex(trace) &&
           is_hex(span) && is_hex(given.substr(flags_at, 2)) &&
           trace.find_first_not_of('0') != std::string_view::npos &&
           span.find_first_not_of('0') != std::string_view::npos;
}

void write_hex(char* out, std::size_t digits) {
    constexpr std::string_view alphabet = "0123456789abcdef";
    std::array<std::uint8_t, 16> raw;
    random_bytes(std::span(raw).first(digits / 2));
    raw[0] |= 1;  // never all zeros
    for (std::size_t i = 0; i < digits / 2; ++i) {
        *out++ = alphabet[raw[i] >> 4];
        *out++ = alphabet[raw[i] & 15];
    }
}

}  // namespace

std::string_view next_traceparent(std::string_view given, Arena& arena) {
    char* const text = arena.allocate(length);
    std::string_view("00-").copy(text, 3);
    text[35] = text[52] = '-';
    if (is_valid(given)) {
        given.copy(text + trace_at, 32, trace_at);
        given.copy(text + flags_at, 2, flags_at);
    } else {
        write_hex(text + trace_at, 32);
        std::string_view("01").copy(text + flags_at, 2);
    }
    write_hex(text + span_at, 16);
    return {text, length};
}

}  // namespace gh::gateway
