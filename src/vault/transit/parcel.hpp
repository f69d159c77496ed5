#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/bytes.hpp"

namespace gh::vault::transit {

/// What keys of transit make, as text: "vault:v2:" and octets in base64. A ciphertext is nonce, ciphertext and tag.
struct Parcel {
    std::uint32_t version = 0;  ///< 1 and up
    std::string octets;
};

/// Pure.
/// @param what     "ciphertext", "signature" or "HMAC", for the error
/// @param is_raw   the octets are in base64url without padding, as JWS has them
/// @return `invalid_argument` "transit.input"; the detail is for the client, in OpenBao's words
[[nodiscard]] Result<Parcel> parse_parcel(std::string_view text, std::string_view what,
                                          bool is_raw = false);
[[nodiscard]] std::string text_of_parcel(std::uint32_t version, std::string_view octets,
                                         bool is_raw = false);

}  // namespace gh::vault::transit
