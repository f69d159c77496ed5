#include "identity/api_keys.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "codec/base64.hpp"
#include "crypto/secret.hpp"
#include "identity/principal.hpp"

namespace gh::identity {
namespace {

constexpr std::string_view prefix = "gh_";
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t secret_text_bytes = 43;

bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= api_key_id_bytes_max && std::ranges::all_of(id, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

std::uint64_t prefix_of(const ApiKeyHash& hash) {
    std::uint64_t word;
    std::memcpy(&word, hash.data(), sizeof word);
    return word;
}

std::shared_ptr<const access::Principal> principal_of_key(ApiKey key) {
    auto principal = std::make_shared<access::Principal>();
    principal->type = access::PrincipalType::api_key;
    principal->subject = key.subject.empty() ? key.id : std::move(key.subject);
    principal->roles = std::move(key.roles);
    principal->scopes = std::move(key.scopes);
    principal->token_id = std::move(key.id);
    principal->expires = key.expires;
    settle_roles(*principal);
    return principal;
}

std::unexpected<Error> refuse(std::string_view reason) {
    return fail(ErrorKind::unauthenticated, reason);
}

}  // namespace

ApiKeyHasher::ApiKeyHasher(crypto::Secret key) : key_(crypto::HmacHash::sha256, std::move(key)) {}

ApiKeyHash ApiKeyHasher::of_digest(const crypto::Sha256Digest& digest) const {
    const auto code = key_.code_of(crypto::Bytes(digest));
    ApiKeyHash hash;
    std::ranges::copy(code.bytes(), hash.begin());
    return hash;
}

Result<std::string> generate_api_key(std::string_view id) {
    if (!is_id(id))
        return fail(ErrorKind::invalid_argument, "key.id", "1 to 32 of a-z, 0-9 and '-'");
    const auto secret = crypto::Secret::random(secret_bytes);
    return std::string(prefix) + std::string(id) + "_" +
           codec::encode_base64url(crypto::text_of(secret.bytes()));
}

std::optional<std::string_view> api_key_id(std::string_view text) {
    if (!text.starts_with(prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    const auto end = text.find('_');  // ids hold none; the secret may
    if (end == std::string_view::npos || !is_id(text.substr(0, end))) return std::nullopt;
    const auto secret = text.substr(end + 1);
    if (secret.size() != secret_text_bytes || !codec::decode_base64url(secret)) return std::nullopt;
    return text.substr(0, end);
}

Result<ApiKeyTable> ApiKeyTable::make(std::shared_ptr<const ApiKeyHasher> hasher,
                                      std::vector<ApiKey> keys) {
    ApiKeyTable table;
    table.hasher_ = std::move(hasher);
    for (auto& key : keys) {
        auto& entries = table.by_prefix_[prefix_of(key.hash)];
        if (std::ranges::any_of(entries,
                                [&](const Entry& entry) { return entry.hash == key.hash; })) {
            return fail(ErrorKind::invalid_argument, "key.duplicate",
                        "key " + key.id + " is there twice");
        }
        const auto hash = key.hash;
        entries.push_back({hash, principal_of_key(std::move(key))});
        ++table.count_;
    }
    return table;
}

Result<std::shared_ptr<const access::Principal>> ApiKeyTable::find(std::string_view text,
                                                                   SystemTime now) const {
    if (text.empty() || text.size() > api_key_bytes_max) return refuse("key.malformed");
    if (text.starts_with(prefix) && !api_key_id(text)) return refuse("key.malformed");
    if (count_ == 0) return refuse("key.unknown");
    const auto hash = hasher_->of_text(text);
    const auto found = by_prefix_.find(prefix_of(hash));
    if (found == by_prefix_.end()) return refuse("key.unknown");
    for (const auto& entry : found->second) {
        if (!crypto::constant_time_equal(crypto::Bytes(entry.hash), crypto::Bytes(hash))) continue;
        if (entry.principal->expires && now >= *entry.principal->expires)
            return refuse("key.expired");
        return entry.principal;
    }
    return refuse("key.unknown");
}

}  // namespace gh::identity
