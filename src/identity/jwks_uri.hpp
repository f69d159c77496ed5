#pragma once

#include <string_view>

#include "base/error.hpp"
#include "codec/https_url.hpp"

namespace gh::identity {

/// Where an issuer publishes its keys: on the way there, anybody could put keys of their own where nothing is encrypted.
using JwksUri = codec::HttpsUrl;

/// As codec::parse_https_url() has it.
/// @return `invalid_argument` "config.jwks_uri"; the detail says what is allowed
[[nodiscard]] Result<JwksUri> parse_jwks_uri(std::string_view text);

}  // namespace gh::identity
