#pragma once

#include <string_view>

namespace gh::codec {

/// 8-4-4-4-12 digits, a to f in lower case (RFC 9562 §4), of whatever version.
[[nodiscard]] bool is_uuid(std::string_view text);

}  // namespace gh::codec
