#pragma once

#include <string>
#include <string_view>

#include "config/type.hpp"

// Small words of HTTP that configuration holds.

namespace gh::gateway {

/// RFC 9110 §5.6.2.
[[nodiscard]] bool is_token(std::string_view text);
/// Lower-case letters, digits, `-`, `_` and dots between labels of at most 63 octets, 253 in all; IPv4 looks the same.
[[nodiscard]] bool is_host_name(std::string_view text);

/// A header name, kept as written.
[[nodiscard]] config::Type<std::string> header_name_type();
/// A header value: visible ASCII, blanks inside.
[[nodiscard]] config::Type<std::string> header_value_type();
/// A method, upper case, except CONNECT and TRACE, which are never passed on.
[[nodiscard]] config::Type<std::string> method_type();
/// A normalised absolute path (RFC 3986 §6.2.2) without query: what requests are compared with.
[[nodiscard]] config::Type<std::string> path_type();

}  // namespace gh::gateway
