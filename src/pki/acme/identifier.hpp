#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::pki::acme {

inline constexpr std::size_t identifiers_max = 100;  ///< of one order

/// A DNS name that an order asks for, in lower case; "*." in front where it is a wildcard.
///
/// Narrower than what names of our own certificates may be: letters, digits and hyphens in labels (RFC 1123 §2.1), no "_",
/// two labels at least, no address, no dot at the end.
/// @return `invalid_argument` "acme.identifier"; the detail is for the client
[[nodiscard]] Result<std::string> read_identifier(std::string_view text);

[[nodiscard]] constexpr bool is_wildcard(std::string_view name) { return name.starts_with("*."); }
/// Whom the authorization is about (RFC 8555 §7.1.4): the name without "*.".
[[nodiscard]] constexpr std::string_view base_of(std::string_view name) {
    return is_wildcard(name) ? name.substr(2) : name;
}

/// Whether one of `domains` is the name or one above it. Without any, no name is allowed.
[[nodiscard]] bool is_within(std::string_view name, std::span<const std::string> domains);

}  // namespace gh::pki::acme
