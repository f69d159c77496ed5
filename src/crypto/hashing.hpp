#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

/// Hashes that a caller may choose among: FIPS 180-4 and FIPS 202. What is always SHA-256 takes sha256(), what is always
/// keyed alike an HmacKey.
enum class Hash : std::uint8_t {
    sha2_224,
    sha2_256,
    sha2_384,
    sha2_512,
    sha3_224,
    sha3_256,
    sha3_384,
    sha3_512
};

/// "sha2-256", "sha3-512", ...
[[nodiscard]] std::string_view name_of(Hash hash);
[[nodiscard]] std::optional<Hash> hash_named(std::string_view name);

/// 28 to 64.
[[nodiscard]] std::size_t digest_bytes(Hash hash);
/// As many octets.
[[nodiscard]] std::string digest_of(Hash hash, Bytes message);
/// HMAC (RFC 2104), as long as the hash.
[[nodiscard]] std::string hmac_of(Hash hash, const Secret& key, Bytes message);

}  // namespace gh::crypto
