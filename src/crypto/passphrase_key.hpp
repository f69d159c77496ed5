#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// What guessing a passphrase costs: by default RFC 9106 §4, the second recommended choice, a tenth of a second.
struct PassphraseCost {
    std::uint32_t memory_kib = 64 * 1024;
    std::uint32_t passes = 3;
    std::uint32_t lanes = 4;

    /// No more than what a password hash may cost us: costs are read from files of others.
    [[nodiscard]] bool bearable() const;
};

inline constexpr std::size_t passphrase_bytes_max = 1024;
inline constexpr std::size_t passphrase_salt_bytes = 16;

/// A key of 32 bytes out of what somebody typed (Argon2id).
/// @param salt  `passphrase_salt_bytes`, another each time
/// @return `invalid_argument` "sealed.passphrase" (empty, or too long), `unavailable` "sealed.memory"
[[nodiscard]] Result<Secret> passphrase_key(const Secret& passphrase, std::string_view salt,
                                            const PassphraseCost& cost);

}  // namespace gh::crypto
