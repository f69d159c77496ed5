#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace gh::codec {

// Strict both ways (RFC 4648 §3): one text for one value. No line breaks, no characters outside the
// alphabet, and the bits that the last character does not need are zero. All failures are
// `invalid_argument` "base64.malformed".

/// RFC 4648 §5 as JOSE uses it: "-" and "_", and never padding (RFC 7515 §2).
[[nodiscard]] Result<std::string> decode_base64url(std::string_view text);
[[nodiscard]] std::string encode_base64url(std::string_view bytes);

/// RFC 4648 §4: "+" and "/", padded to whole groups of four.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);
[[nodiscard]] std::string encode_base64(std::string_view bytes);

}  // namespace gh::codec
