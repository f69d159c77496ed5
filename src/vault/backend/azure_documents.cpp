#include "vault/backend/azure_documents.hpp"

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "vault/secret_fields.hpp"
#include "vault/secret_path.hpp"

namespace gh::vault::azure {
namespace {

using codec::json::Value;

constexpr std::size_t name_bytes_max = 127;
constexpr std::size_t url_bytes_max = 4096;
constexpr std::size_t said_bytes_max = 300;
constexpr std::int64_t token_seconds_max = 24 * 60 * 60;
constexpr std::string_view json_type = "application/json";

std::unexpected<Error> malformed(std::string_view what) {
    return fail(ErrorKind::corrupt, "backend.malformed",
                "the Key Vault's answer is not understood: " + std::string(what));
}

Result<Value> object_of(std::string_view text) {
    auto value = codec::json::parse(text, {.bytes_max = document_bytes_max});
    if (value && value->object() != nullptr) return value;
    return malformed("no JSON object");
}

std::optional<std::string> tagged_path(const Value& item) {
    const auto* tags = item.find("tags");
    const auto* path = tags != nullptr ? tags->find_string("path") : nullptr;
    if (path == nullptr || !check_secret_path(*path)) return {};
    return *path;
}

/// "https://team.vault.azure.net/secrets/NAME/VERSION"
std::string_view name_in(std::string_view id) {
    constexpr std::string_view before = "/secrets/";
    const auto at = id.find(before);
    if (at == std::string_view::npos) return {};
    id.remove_prefix(at + before.size());
    return id.substr(0, id.find('/'));
}

bool is_object(std::string_view text) {
    const auto value = codec::json::parse(text, {.bytes_max = document_bytes_max});
    return value && value->object() != nullptr;
}

/// The text of the only field, where it is the one that stands for the whole; null: there are others.
const std::string* only_text(const Value& fields) {
    if (fields.object() == nullptr || fields.object()->size() != 1) return nullptr;
    return fields.find_string(only_field);
}

}  // namespace

Result<std::string> name_of(std::string_view path) {
    GH_TRY_VOID(check_secret_path(path));
    std::string name;
    for (const char c : path) {
        const bool kept =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
        if (c == '/') {
            name += "--";
        } else if (kept || c == '_' || c == '.') {
            name += kept ? c : '-';
        } else {
            return fail(ErrorKind::conflict, "backend.name",
                        "names in a Key Vault have letters, digits, '-', '_', '.' and '/' only");
        }
    }
    if (name.size() > name_bytes_max)
        return fail(ErrorKind::conflict, "backend.name", "a name there has at most 127 characters");
    return name;
}

Result<Bundle> parse_bundle(std::string_view text) {
    GH_TRY(const auto value, object_of(text));
    const auto* secret = value.find_string("value");
    if (secret == nullptr) return malformed("a secret without a value");
    const auto* type = value.find_string("contentType");
    const bool fields = type != nullptr && *type == json_type && is_object(*secret);
    return Bundle{.fields = fields ? crypto::Secret(std::string_view(*secret))
                                   : one_field(only_field, *secret),
                  .path = tagged_path(value)};
}

Result<std::string> bundle_of(std::string_view path, const crypto::Secret& fields) {
    const auto text = crypto::text_of(fields.bytes());
    GH_TRY(const auto value, codec::json::parse(text, {.bytes_max = document_bytes_max}));
    const auto* only = only_text(value);
    const auto kept = only != nullptr ? std::string_view(*only) : text;
    if (kept.size() > value_bytes_max)
        return fail(ErrorKind::invalid_argument, "secret.too_long",
                    "a secret there has at most 25 KiB");
    std::string body;
    codec::json::Writer out(body);
    out.begin_object().name("value").string(kept);
    out.name("contentType").string(only != nullptr ? "text/plain" : json_type);
    out.name("tags").begin_object().name("path").string(path).end_object();
    out.end_object();
    return body;
}

Result<Page> parse_page(std::string_view text) {
    GH_TRY(const auto value, object_of(text));
    const auto* items = value.find("value");
    if (items == nullptr || items->array() == nullptr) return malformed("a list without items");
    Page page;
    for (const auto& item : *items->array()) {
        const auto* id = item.find_string("id");
        if (id == nullptr || name_in(*id).empty()) return malformed("an item without a name");
        page.paths.push_back(tagged_path(item).value_or(std::string(name_in(*id))));
    }
    const auto* next = value.find_string("nextLink");
    if (next != nullptr && next->size() > url_bytes_max) return malformed("a link too long");
    if (next != nullptr) page.next = *next;
    return page;
}

Result<Token> parse_token(std::string_view text) {
    GH_TRY(const auto value, object_of(text));
    const auto* token = value.find_string("access_token");
    const auto* lifetime = value.find("expires_in");
    const auto seconds = lifetime != nullptr ? lifetime->integer() : std::nullopt;
    const auto sendable = [](char c) { return c > ' ' && c < '\x7f'; };
    if (token == nullptr || token->empty() || !std::ranges::all_of(*token, sendable))
        return malformed("no access token");
    return Token{.text = crypto::Secret(std::string_view(*token)),
                 .expires_in = std::clamp<std::int64_t>(seconds.value_or(0), 0, token_seconds_max)};
}

std::string parse_error(std::string_view text) {
    const auto value = object_of(text);
    if (!value) return {};
    const auto* error = value->find("error");
    if (error == nullptr) return {};
    // Entra ID has a word and a description beside it, Key Vault an object.
    const auto* code = error->string() != nullptr ? error->string() : error->find_string("code");
    const auto* message = error->string() != nullptr ? value->find_string("error_description")
                                                     : error->find_string("message");
    std::string said = code != nullptr ? *code : std::string();
    if (message != nullptr) said += (said.empty() ? "" : ": ") + *message;
    said.resize(std::min(said.size(), said_bytes_max));
    std::ranges::replace_if(said, [](char c) { return c < ' ' || c > '~'; }, ' ');
    return said;
}

}  // namespace gh::vault::azure
