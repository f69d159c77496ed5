#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

/// Every escape decoded once (RFC 3986 §2.1); "+" stays "+". The result may hold any byte.
/// @return `invalid_argument` "percent.bad_escape"
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

/// Everything but unreserved characters (RFC 3986 §2.3) escaped, in upper case.
[[nodiscard]] std::string percent_encode(std::string_view bytes);

}  // namespace gh::codec
