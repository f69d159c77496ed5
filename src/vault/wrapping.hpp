#pragma once

#include "vault/protector.hpp"

// What protectors have in common. Only their files include this.

namespace gh::vault {

/// A key for one purpose, made of the master key: HKDF-SHA-256.
[[nodiscard]] crypto::Secret derived_from(const crypto::Secret& master, std::string_view purpose);

/// Seals `master` for the recovery key with this public half, in base64. What it says of itself is proven with the master
/// key, so that nobody else adds one of his own that a later master key would be sealed for, too.
/// @return `corrupt` "seal.malformed"
[[nodiscard]] Result<Recipient> wrap_for_recovery(const std::string& public_key,
                                                  const crypto::Secret& master);
/// Was it made by who had this master key? Recipients of before there were proofs have none.
[[nodiscard]] bool is_proven(const Recipient& recipient, const crypto::Secret& master);

/// Without the white space around it.
[[nodiscard]] std::string_view trimmed(std::string_view text);
/// Seals `master` with a key of the protector's; what the recipient says so far is bound to it.
[[nodiscard]] Result<Recipient> wrap_with(crypto::Secret key, Recipient recipient,
                                          const crypto::Secret& master);
/// @return `permission_denied` "seal.wrong_key": `who` has another
[[nodiscard]] Result<crypto::Secret> unwrap_with(crypto::Secret key, const Recipient& recipient,
                                                 const std::string& who);
/// A parameter that is base64 of so many octets. @return `corrupt` "seal.malformed"
[[nodiscard]] Result<std::string> octets_parameter(const Recipient& recipient,
                                                   std::string_view name, std::size_t size);

}  // namespace gh::vault
