#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/hmac.hpp"

namespace gh::pki {

inline constexpr std::size_t enrolment_token_bytes = 84;

/// "ghe_ID_SECRET": the secret is an HMAC-SHA-256 over the id, in base64url, so that nobody has to keep it.
/// @param key  of this house
/// @param id   a UUID
[[nodiscard]] std::string enrolment_token(const crypto::HmacKey& key, std::string_view id);

/// Pure. The id of a token that was made with this key; compared in constant time.
[[nodiscard]] std::optional<std::string> id_of_token(const crypto::HmacKey& key,
                                                     std::string_view token);

}  // namespace gh::pki
