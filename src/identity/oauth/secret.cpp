#include "identity/oauth/secret.hpp"

#include <algorithm>
#include <array>

#include "base/id.hpp"
#include "codec/hex.hpp"
#include "crypto/secret.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::array<std::string_view, 6> prefixes{"ac-", "rt-", "dc-", "se-", "cs-", "ia-"};

std::string_view prefix_of(SecretKind kind) { return prefixes[static_cast<std::size_t>(kind)]; }

MadeSecret make(std::string id, const ApiKeyHasher& hasher) {
    MadeSecret made;
    made.text = generate_api_key(id).value();  // ids are ours: they have the right form
    made.hash = hasher.of_text(made.text);
    made.id = std::move(id);
    return made;
}

}  // namespace

std::string new_client_id() {
    std::array<std::uint8_t, 8> octets{};
    random_bytes(octets);
    return codec::encode_hex(crypto::text_of(octets));
}

bool is_client_id(std::string_view text) {
    return text.size() == 16 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

MadeSecret make_secret(SecretKind kind, const ApiKeyHasher& hasher) {
    return make(std::string(prefix_of(kind)) + new_client_id(), hasher);
}

std::string client_secret_id(std::string_view client_id) {
    return std::string(prefix_of(SecretKind::client)) + std::string(client_id);
}

MadeSecret make_client_secret(std::string_view client_id, const ApiKeyHasher& hasher) {
    return make(client_secret_id(client_id), hasher);
}

std::optional<std::string> id_of_secret(SecretKind kind, std::string_view text) {
    const auto id = api_key_id(text);
    if (!id || !id->starts_with(prefix_of(kind))) return {};
    return std::string(*id);
}

storage::Blob blob_of(const ApiKeyHash& hash) {
    return {std::string(reinterpret_cast<const char*>(hash.data()), hash.size())};
}

bool is_hash_of(const std::string& octets, std::string_view text, const ApiKeyHasher& hasher) {
    const auto hash = hasher.of_text(text);
    return crypto::constant_time_equal(crypto::bytes_of(octets), crypto::Bytes(hash));
}

}  // namespace gh::identity::oauth
