#pragma once

// The texts in which password hashes are kept. Imports bring them from elsewhere, so they are read as foreign bytes, and
// what checking one would cost is bounded before anything is computed.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.hpp"

namespace gh::crypto {

enum class PasswordScheme : std::uint8_t { argon2id, bcrypt };

/// `$argon2id$v=19$m=19456,t=2,p=1$salt$tag` (PHC string format; RFC 9106).
struct Argon2idHash {
    std::uint32_t memory_kib = 0;
    std::uint32_t passes = 0;
    std::uint32_t lanes = 0;
    std::string salt;  ///< bytes
    std::string tag;   ///< bytes
};

/// `$2b$12$`, 22 characters of salt, 31 of digest. `$2y$` is the same function under another name. So is `$2a$` for what
/// we take as a password: old writers of `$2a$` went wrong on bytes that are no UTF-8 and on lengths beyond 254.
/// `$2x$` marks hashes of such a writer and is not read.
struct BcryptHash {
    std::uint32_t cost = 0;  ///< binary logarithm of the rounds
    std::string setting;     ///< all but the digest, as crypt(3) takes it
    std::string digest;      ///< as text
};

using PasswordHash = std::variant<Argon2idHash, BcryptHash>;

inline constexpr std::size_t stored_password_hash_bytes_max = 256;
/// One check may cost about two seconds of a thread, and this much memory: below both, the usual choices of others fit
/// (libsodium's "moderate", RFC 9106's second recommendation).
inline constexpr std::uint32_t argon2_memory_kib_max = 256 * 1024;
inline constexpr std::uint64_t argon2_memory_kib_by_passes_max = 1024 * 1024;
inline constexpr std::uint32_t argon2_lanes_max = 255;
inline constexpr std::uint32_t bcrypt_cost_max = 14;

/// Strict: what is accepted is spelled as to_text() spells it.
///
/// @return  `corrupt` "password.hash" when it is none of the above, `invalid_argument` "password.hash_bounds" when it is
///          one, but dearer than the limits, or with less than 8 bytes of salt or 16 of tag
[[nodiscard]] Result<PasswordHash> parse_password_hash(std::string_view stored);

[[nodiscard]] std::string to_text(const PasswordHash& hash);

}  // namespace gh::crypto
