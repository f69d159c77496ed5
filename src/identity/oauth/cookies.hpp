#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/field.hpp"

namespace gh::identity::oauth {

/// The value of the cookie of this name (RFC 6265 §5.4). One that is there twice counts as none: who put the second one
/// there is not known.
[[nodiscard]] std::optional<std::string_view> find_cookie(const http::Fields& fields,
                                                          std::string_view name);

/// A Set-Cookie for the whole origin: not for scripts, not for requests that other sites make.
/// @param name    as cookie_name() gives it
/// @param max_age_seconds  0: forget it
[[nodiscard]] std::string set_cookie(std::string_view name, std::string_view value,
                                     long max_age_seconds, bool secure);

/// With the prefix that browsers enforce where there is TLS (RFC 6265bis §4.1.3.2).
[[nodiscard]] std::string cookie_name(std::string_view name, bool secure);

}  // namespace gh::identity::oauth
