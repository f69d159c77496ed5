#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "pki/authority.hpp"

namespace gh::pki {

inline constexpr std::size_t offline_passphrase_bytes_min = 12;
inline constexpr std::size_t offline_file_bytes_max = 64 * 1024;

/// The root as a file to be locked away: PKCS #8 under a passphrase (PBES2 with scrypt and AES-256-CBC, RFC 8018 and
/// 7914), then its certificate. `openssl pkey -in FILE` reads it without us. Takes a second.
/// @return `invalid_argument` "ca.passphrase" when the passphrase is short; `internal` "ca.openssl"
[[nodiscard]] Result<std::string> seal_root(const Authority& root,
                                            const crypto::Secret& passphrase);

/// @return `invalid_argument` "ca.offline_file" (not such a file) or "ca.passphrase" (the wrong one)
[[nodiscard]] Result<Authority> open_root(std::string_view file, const crypto::Secret& passphrase);

}  // namespace gh::pki
