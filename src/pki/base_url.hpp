#pragma once

#include <string>

#include "base/error.hpp"

namespace gh::pki {

/// Nothing but a scheme, a host and a port.
/// @return `invalid_argument` "config.value"
[[nodiscard]] Result<std::string> base_url_of(const std::string& text);

}  // namespace gh::pki
