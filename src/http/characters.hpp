#pragma once

#include <cstddef>
#include <string_view>

namespace gh::http {

/// One or more tchar (RFC 9110 §5.6.2): what a field name and a method are made of.
[[nodiscard]] bool is_token(std::string_view text);

/// Visible characters, obs-text, spaces and tabs, none of the two at either end (RFC 9110 §5.5).
/// Empty is a value. Whoever puts text of others into a field asks this first; the writers trust
/// what they are given.
[[nodiscard]] bool is_field_value(std::string_view text);

/// A request target's characters: visible ASCII without '#' (RFC 9112 §3.2). Its shape is the
/// caller's to check.
[[nodiscard]] bool is_target(std::string_view text);

/// host [":" port] (RFC 9110 §7.2) as hosts are named on networks: letters, digits, "-._~", or an
/// IPv6 address in brackets; the port is up to 65535. No userinfo, no percent-encoding, no
/// sub-delims, at most 255 bytes, not empty.
[[nodiscard]] bool is_authority(std::string_view text);

/// Offset of the first byte that a field value may not hold, which is where its line ends or is
/// wrong; `text.size()` when there is none.
[[nodiscard]] std::size_t value_prefix(std::string_view text);

/// Offset of the first byte that a request target may not hold, a space included; `text.size()`
/// when there is none.
[[nodiscard]] std::size_t target_prefix(std::string_view text);

/// Offset of the first byte that is not a tchar.
[[nodiscard]] std::size_t token_prefix(std::string_view text);

/// Without spaces and tabs at both ends.
[[nodiscard]] inline std::string_view trim(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Takes the next element off a comma separated list (RFC 9110 §5.6.1), trimmed; empty elements are
/// skipped.
/// @return an empty view when the list is used up
[[nodiscard]] std::string_view next_element(std::string_view& list);

}  // namespace gh::http
