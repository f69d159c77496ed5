#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "identity/api_keys.hpp"
#include "storage/value.hpp"

namespace gh::identity::oauth {

/// What the authorization server hands out besides tokens that are signed. Each is a text in the form of an API key
/// (generate_api_key), so that whatever looks for leaked keys finds these, too; its id begins with its kind.
enum class SecretKind : std::uint8_t { code, refresh, device, session, client, initial };

struct MadeSecret {
    std::string id;
    std::string text;  ///< to be shown once
    ApiKeyHash hash{};
};

[[nodiscard]] MadeSecret make_secret(SecretKind kind, const ApiKeyHasher& hasher);
/// The secret of a client carries the client's id.
/// @param client_id  one of ours
[[nodiscard]] MadeSecret make_client_secret(std::string_view client_id, const ApiKeyHasher& hasher);
/// A new id for a client: 16 hex digits.
[[nodiscard]] std::string new_client_id();
[[nodiscard]] bool is_client_id(std::string_view text);

/// The id in a text of this kind; nothing for any other text.
[[nodiscard]] std::optional<std::string> id_of_secret(SecretKind kind, std::string_view text);
/// The id that the secret of this client has.
[[nodiscard]] std::string client_secret_id(std::string_view client_id);

[[nodiscard]] storage::Blob blob_of(const ApiKeyHash& hash);
/// In constant time. Octets of another length are nobody's hash.
[[nodiscard]] bool is_hash_of(const std::string& octets, std::string_view text,
                              const ApiKeyHasher& hasher);

}  // namespace gh::identity::oauth
