#include "vault/backend/azure_keys.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "codec/https_url.hpp"
#include "codec/json.hpp"
#include "vault/backend/azure_documents.hpp"

namespace gh::vault::azure {
namespace {

using codec::json::Value;

constexpr std::size_t name_bytes_max = 127, version_bytes_max = 64;

std::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorKind::corrupt, "backend.malformed",
                "the Key Vault's answer about a key is not understood: " + std::string(what));
}

Result<Value> object_of(std::string_view text) {
    auto value = codec::json::parse(text, {.bytes_max = document_bytes_max});
    if (value && value->object() != nullptr) return value;
    return malformed("no JSON object");
}

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_version(std::string_view text) {
    return !text.empty() && text.size() <= version_bytes_max &&
           std::ranges::all_of(text, is_alphanumeric);
}

}  // namespace

bool is_key_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max &&
           std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '-'; });
}

Result<std::string> authority_of(std::string_view url) {
    GH_TRY(const auto place, codec::parse_https_url(url));
    return place.port == 443 ? place.host : place.host + ":" + std::to_string(place.port);
}

Result<KeyId> parse_key_id(std::string_view text) {
    constexpr std::string_view keys = "/keys/";
    if (text.size() > key_id_bytes_max) return malformed("its id is too long");
    const auto place = codec::parse_https_url(text);
    if (!place || !place->target.starts_with(keys)) return malformed("its id is none of a key");
    const auto rest = std::string_view(place->target).substr(keys.size());
    const auto slash = rest.find('/');
    if (slash == std::string_view::npos) return malformed("its id names no version");
    KeyId id;
    id.name = rest.substr(0, slash);
    id.version = rest.substr(slash + 1);
    if (!is_key_name(id.name) || !is_version(id.version)) return malformed("its id is none");
    GH_TRY(id.authority, authority_of(text));
    return id;
}

Result<std::string> parse_key(std::string_view text) {
    GH_TRY(const auto value, object_of(text));
    const auto* key = value.find("key");
    const auto* id = key != nullptr ? key->find_string("kid") : nullptr;
    const auto* type = key != nullptr ? key->find_string("kty") : nullptr;
    if (id == nullptr || type == nullptr) return malformed("no key");
    GH_TRY_VOID(parse_key_id(*id));
    if (*type == "RSA" || *type == "RSA-HSM") return *id;
    return fail(
        ErrorKind::conflict, "seal.azure_key_type",
        "the key there is no RSA key, and no other wraps with RSA-OAEP-256: az keyvault key "
        "create --kty RSA --size 3072");
}

crypto::Secret key_operation(crypto::Bytes value) {
    constexpr std::string_view before = R"({"alg":"RSA-OAEP-256","value":")", behind = R"("})";
    auto encoded = codec::encode_base64url(crypto::text_of(value));
    std::string body;
    body.reserve(before.size() + encoded.size() + behind.size());
    body.append(before).append(encoded).append(behind);
    crypto::Secret kept(body);
    crypto::wipe(encoded.data(), encoded.size());
    crypto::wipe(body.data(), body.size());
    return kept;
}

Result<KeyResult> parse_key_result(std::string_view text) {
    GH_TRY(auto value, object_of(text));
    const auto* id = value.find_string("kid");
    const auto* encoded = value.find_string("value");
    if (id == nullptr || encoded == nullptr || encoded->size() > 2 * wrapped_bytes_max)
        return malformed("no id or no value");
    GH_TRY_VOID(parse_key_id(*id));
    auto octets = codec::decode_base64url(*encoded);
    // `value` is ours: a key is not left behind in it.
    crypto::wipe(const_cast<char*>(encoded->data()), encoded->size());
    if (!octets || octets->empty() || octets->size() > wrapped_bytes_max)
        return malformed("its value is no base64url");
    KeyResult result{.key_id = *id, .value = crypto::Secret(*octets)};
    crypto::wipe(octets->data(), octets->size());
    return result;
}

}  // namespace gh::vault::azure
