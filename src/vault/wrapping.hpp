#pragma once

#include "vault/protector.hpp"

// What protectors have in common. Only their files include this.

namespace gh::vault {

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
