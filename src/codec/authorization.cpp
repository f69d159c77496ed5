#include "codec/authorization.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gh::codec {
namespace {

constexpr bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters, digits and `marks`, as a table: tokens are long, and looked at in every request.
constexpr std::array<bool, 256> with_marks(std::string_view marks) {
    std::array<bool, 256> table{};
    for (int c = 0; c < 256; ++c)
        table[static_cast<std::size_t>(c)] = c < 128 && is_alphanumeric(static_cast<char>(c));
    for (const char c : marks) table[static_cast<std::uint8_t>(c)] = true;
    return table;
}

bool all_in(const std::array<bool, 256>& table, std::string_view text) {
    return std::ranges::all_of(text, [&](char c) { return table[static_cast<std::uint8_t>(c)]; });
}

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) {
    static constexpr auto table = with_marks("!#$%&'*+-.^_`|~");
    return !text.empty() && all_in(table, text);
}

/// RFC 9110 §11.2: some of the alphabet, then padding.
bool is_token68(std::string_view text) {
    static constexpr auto table = with_marks("-._~+/");
    while (text.ends_with('=')) text.remove_suffix(1);
    return !text.empty() && all_in(table, text);
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
    return std::ranges::equal(text, lower, [](char a, char b) {
        return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
    });
}

AuthScheme scheme_of(std::string_view text) {
    if (equals_ignoring_case(text, "bearer")) return AuthScheme::bearer;
    if (equals_ignoring_case(text, "basic")) return AuthScheme::basic;
    if (equals_ignoring_case(text, "dpop")) return AuthScheme::dpop;
    return AuthScheme::other;
}

bool is_field_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<std::uint8_t>(c);
        return byte == '\t' || (byte >= ' ' && byte != 0x7f);
    });
}

}  // namespace

Result<Authorization> parse_authorization(std::string_view value) {
    const auto malformed = [] {
        return fail(ErrorKind::invalid_argument, "authorization.malformed");
    };
    if (value.size() > authorization_bytes_max) return malformed();
    const auto space = value.find(' ');
    Authorization parts;
    parts.scheme_text = value.substr(0, space);
    if (!is_token(parts.scheme_text)) return malformed();
    parts.scheme = scheme_of(parts.scheme_text);

    auto rest = space == std::string_view::npos ? std::string_view{} : value.substr(space);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (is_token68(rest)) {
        parts.token = rest;
    } else if (parts.scheme == AuthScheme::other && is_field_text(rest)) {
        parts.parameters = rest;
    } else {
        return malformed();
    }
    return parts;
}

}  // namespace gh::codec
