#pragma once

#include <string>

namespace gh::vault {

/// What another server has said, so that it can be kept: at most 1,000 octets of UTF-8 without NUL; of what is no UTF-8, the
/// ASCII in it.
[[nodiscard]] std::string storable(std::string text);

}  // namespace gh::vault
