#pragma once

#include <cstdint>
#include <string>

#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

namespace gh::crypto {

inline constexpr std::uint32_t scram_iterations = 4'096;  // what PostgreSQL makes itself

/// What a server keeps of a password for SCRAM-SHA-256 (RFC 5803 §4, RFC 5802 §3), as PostgreSQL writes it:
/// `SCRAM-SHA-256$4096:SALT$STORED_KEY:SERVER_KEY`. Whoever has it has not the password.
///
/// @param password  ASCII, which SASLprep (RFC 4013) leaves as it is
/// @param salt      16 random bytes
[[nodiscard]] std::string scram_verifier(const Secret& password, Bytes salt,
                                         std::uint32_t iterations = scram_iterations);

}  // namespace gh::crypto
