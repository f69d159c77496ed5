#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"

namespace gh::crypto {

/// "CHANGE_ME_IN_PRODUCTION", "YOUR_KEY_HERE", "<secret>" and their like, in any case and with any
/// joint.
[[nodiscard]] bool is_placeholder(std::string_view text);

/// Is it on the list of secrets that tutorials, standards and reports printed? The list holds
/// digests only.
[[nodiscard]] bool is_published(std::string_view text);

/// Refuses what nobody should protect anything with. The secret itself never appears in the error.
///
/// @param bytes_min  32 for HS256 (RFC 7518 §3.2); less only for what is not a signing key
/// @return           `invalid_argument` with "secret.empty", "secret.short", "secret.placeholder",
/// "secret.published"
///                   or "secret.predictable" (one text repeated, or fewer than 8 different bytes)
[[nodiscard]] Result<void> check_secret_strength(std::string_view secret,
                                                 std::size_t bytes_min = 32);

}  // namespace gh::crypto
