#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/bytes.hpp"
#include "crypto/secret.hpp"

// Keys of Azure Key Vault (REST, api-version 7.4): what it says and wants to hear. All pure.

namespace gh::vault::azure {

inline constexpr std::size_t key_id_bytes_max = 512;
inline constexpr std::size_t wrapped_bytes_max = 1024;  ///< RSA of 8192 bits

/// Letters, digits and '-', at most 127.
[[nodiscard]] bool is_key_name(std::string_view name);

/// Where a version of a key is: "https://team.vault.azure.net/keys/NAME/VERSION".
struct KeyId {
    std::string authority;  ///< host, and port where it is not 443, in lower case
    std::string name;
    std::string version;
};
/// @return `corrupt` "backend.malformed"
[[nodiscard]] Result<KeyId> parse_key_id(std::string_view text);
/// Of a URL of a Key Vault, as KeyId has it. @return `invalid_argument` "url.malformed"
[[nodiscard]] Result<std::string> authority_of(std::string_view url);

/// What `GET /keys/NAME` says: the id of its newest version.
/// @return `corrupt` "backend.malformed"; `conflict` "seal.azure_key_type": no RSA key
[[nodiscard]] Result<std::string> parse_key(std::string_view text);

/// The body of wrapKey and unwrapKey: RSA-OAEP with SHA-256.
[[nodiscard]] crypto::Secret key_operation(crypto::Bytes value);

struct KeyResult {
    std::string key_id;
    crypto::Secret value;
};
/// What wrapKey and unwrapKey answer. @return `corrupt` "backend.malformed"
[[nodiscard]] Result<KeyResult> parse_key_result(std::string_view text);

}  // namespace gh::vault::azure
