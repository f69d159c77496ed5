#pragma once

#include <cstddef>
#include <string_view>

#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// HKDF with SHA-256 (RFC 5869): a key for one purpose out of what is random enough already, never out of a passphrase.
/// @param salt  may be empty
/// @param info  the purpose
/// @param size  1 to 8160
[[nodiscard]] Secret hkdf_sha256(const Secret& material, Bytes salt, std::string_view info,
                                 std::size_t size);

}  // namespace gh::crypto
