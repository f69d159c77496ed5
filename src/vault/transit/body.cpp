#include "vault/transit/body.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "config/text.hpp"
#include "vault/json_body.hpp"
#include "vault/kv_json.hpp"

namespace gh::vault::transit {
namespace {

using codec::json::Node;
using codec::json::Outline;
using Names = std::initializer_list<std::string_view>;

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "transit.body", std::move(detail));
}

std::unexpected<Error> refuse(std::string_view name, std::string_view what) {
    return refuse(std::string(name) + " is no " + std::string(what));
}

/// An object with none but these members; nothing is {}.
Result<Outline> read_object(std::string_view body, Names known) {
    auto outline = kv::read_optional_object(kv::trimmed(body), known);
    if (!outline) return refuse(std::move(outline).error().detail);
    return outline;
}

/// What is null was not said.
const Node* said(const Node& object, std::string_view name) {
    const auto* node = object.find(name);
    return node == nullptr || node->is_null() ? nullptr : node;
}

Result<std::optional<std::string_view>> text(const Node& object, std::string_view name) {
    const auto* node = said(object, name);
    if (node == nullptr) return std::nullopt;
    if (!node->string()) return refuse(name, "text");
    return node->string();
}

/// Clients of the shell send texts.
Result<std::optional<bool>> truth(const Node& object, std::string_view name) {
    const auto* node = said(object, name);
    if (node == nullptr) return std::nullopt;
    const auto word = node->string().value_or("");
    if (word == "true" || word == "1") return true;
    if (word == "false" || word == "0") return false;
    if (!node->boolean()) return refuse(name, "truth value");
    return node->boolean();
}

std::optional<std::int64_t> whole(std::string_view text) {
    std::int64_t number = 0;
    const auto* const end = text.data() + text.size();
    const auto [behind, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && behind == end ? std::optional(number) : std::nullopt;
}

/// Not negative, and at most 32 bits.
Result<std::optional<std::uint32_t>> number(const Node& object, std::string_view name) {
    const auto* node = said(object, name);
    if (node == nullptr) return std::nullopt;
    auto value = node->integer();
    if (const auto word = node->string()) value = whole(*word);
    if (!value || *value < 0 || *value > std::int64_t{0xffffffff})
        return refuse(name, "whole number that is not negative");
    return static_cast<std::uint32_t>(*value);
}

/// Seconds, or "90m", "24h", "3h25m", "30d".
Result<std::optional<seconds>> duration(const Node& object, std::string_view name) {
    const auto* node = said(object, name);
    if (node == nullptr) return std::nullopt;
    const auto word = node->string();
    if (const auto count = word ? whole(*word) : node->integer())
        return seconds(std::clamp<std::int64_t>(*count, -1, std::int64_t{1} << 40));
    std::int64_t sum = 0;
    auto rest = word.value_or("");
    bool good = !rest.empty();
    while (good && !rest.empty()) {
        std::uint32_t count = 0;
        const auto* const end = rest.data() + rest.size();
        const auto [behind, error] = std::from_chars(rest.data(), end, count);
        constexpr std::string_view units = "smhd";
        constexpr std::int64_t lengths[] = {1, 60, 3'600, 86'400};
        const auto unit = behind == end ? units.npos : units.find(*behind);
        good = error == std::errc() && unit != units.npos;
        if (!good) break;
        sum += count * lengths[unit];
        rest.remove_prefix(static_cast<std::size_t>(behind + 1 - rest.data()));
    }
    if (!good) return refuse(name, "duration as 3600 or 24h");
    return seconds(std::min(sum, std::int64_t{1} << 40));
}

template <class T>
Result<void> into(T& target, Result<std::optional<T>> value) {
    GH_TRY(auto read, std::move(value));
    if (read) target = *std::move(read);
    return {};
}
template <class T>
Result<void> into(std::optional<T>& target, Result<std::optional<T>> value) {
    GH_TRY(target, std::move(value));
    return {};
}

/// For an engine that has them they change what comes out.
Result<void> check_nonce(const Node& object) {
    GH_TRY(const auto nonce, text(object, "nonce"));
    if (nonce.value_or("").empty()) return {};
    return refuse("nonce is not taken: convergent encryption is not supported");
}

/// What is said of each text, and nowhere else where there are many; and key_version.
constexpr std::string_view of_one[] = {"plaintext",       "ciphertext", "input",
                                       "signature",       "hmac",       "context",
                                       "associated_data", "reference",  "nonce"};

Result<void> check_item_names(const Node& object) {
    std::size_t known = object.find("key_version") == nullptr ? 0 : 1;
    for (const auto name : of_one) known += object.find(name) == nullptr ? 0 : 1;
    if (known == object.members()) return {};
    return refuse("batch_input holds an item with a member that is not taken there");
}

Result<Item> item_of(const Node& object) {
    Item item;
    GH_TRY_VOID(into(item.plaintext, text(object, "plaintext")));
    GH_TRY_VOID(into(item.ciphertext, text(object, "ciphertext")));
    GH_TRY_VOID(into(item.input, text(object, "input")));
    GH_TRY_VOID(into(item.signature, text(object, "signature")));
    GH_TRY_VOID(into(item.hmac, text(object, "hmac")));
    GH_TRY_VOID(into(item.context, text(object, "context")));
    GH_TRY_VOID(into(item.associated_data, text(object, "associated_data")));
    GH_TRY_VOID(into(item.reference, text(object, "reference")));
    GH_TRY_VOID(into(item.key_version, number(object, "key_version")));
    GH_TRY_VOID(check_nonce(object));
    constexpr auto coded_max = context_bytes_max / 3 * 4 + 4;
    if (item.context.size() > coded_max || item.associated_data.size() > coded_max)
        return refuse("context and associated_data have at most 16 KiB");
    return item;
}

Result<std::vector<Item>> batch_of(const Node& batch) {
    const auto list = batch.array();
    if (!list) return refuse("batch_input", "list");
    if (list->size() == 0) return refuse("missing batch input to process");
    if (list->size() > batch_items_max) return refuse("batch_input has more than 1000 items");
    std::vector<Item> items;
    items.reserve(list->size());
    for (const auto& each : *list) {
        if (!each.is_object()) return refuse("batch_input holds what is no object");
        GH_TRY_VOID(check_item_names(each));
        GH_TRY(auto item, item_of(each));
        items.push_back(item);
    }
    return items;
}

Result<void> check_convergent(const Node& object) {
    GH_TRY(const auto convergent, truth(object, "convergent_encryption"));
    if (!convergent.value_or(false)) return {};
    return refuse("convergent encryption is not supported: equal texts would look equal");
}

Result<void> read_choices(const Node& root, Use& use) {
    GH_TRY_VOID(into(use.type, text(root, "type")));
    for (const auto* name : {"algorithm", "hash_algorithm"}) {
        GH_TRY(const auto hash, text(root, name));
        if (!hash.value_or("").empty()) use.hash = *hash;
    }
    GH_TRY_VOID(into(use.signature_algorithm, text(root, "signature_algorithm")));
    GH_TRY_VOID(into(use.marshaling, text(root, "marshaling_algorithm")));
    GH_TRY_VOID(into(use.prehashed, truth(root, "prehashed")));
    GH_TRY_VOID(into(use.bits, number(root, "bits")));
    GH_TRY_VOID(into(use.partial_failure_code, number(root, "partial_failure_response_code")));
    if (const auto* salt = said(root, "salt_length")) {
        if (salt->integer()) {
            use.salt_length = std::to_string(*salt->integer());
        } else if (salt->string()) {
            use.salt_length = config::lower(*salt->string());
        } else {
            return refuse("salt_length", "text");
        }
    }
    return check_convergent(root);
}

}  // namespace

Result<Use> parse_use(std::string_view body) {
    Use use;
    use.text = crypto::Secret(kv::trimmed(body).empty() ? "{}" : body);
    GH_TRY(auto outline,
           read_object(crypto::text_of(use.text.bytes()), {"name",
                                                           "plaintext",
                                                           "ciphertext",
                                                           "input",
                                                           "signature",
                                                           "hmac",
                                                           "context",
                                                           "associated_data",
                                                           "reference",
                                                           "key_version",
                                                           "nonce",
                                                           "batch_input",
                                                           "type",
                                                           "algorithm",
                                                           "hash_algorithm",
                                                           "signature_algorithm",
                                                           "marshaling_algorithm",
                                                           "salt_length",
                                                           "prehashed",
                                                           "bits",
                                                           "convergent_encryption",
                                                           "partial_failure_response_code"}));
    const auto& root = outline.root();
    GH_TRY_VOID(read_choices(root, use));
    if (const auto* batch = said(root, "batch_input")) {
        use.is_batch = true;
        for (const auto name : of_one) {
            if (said(root, name) == nullptr) continue;
            return refuse(std::string(name) + " stands beside batch_input, not in its items");
        }
        GH_TRY_VOID(into(use.key_version, number(root, "key_version")));
        GH_TRY(use.items, batch_of(*batch));
    } else {
        GH_TRY(const auto item, item_of(root));
        use.items.push_back(item);
    }
    use.outline.emplace(std::move(outline));
    return use;
}

Result<NewKey> parse_new_key(std::string name, std::string_view body) {
    GH_TRY(const auto outline,
           read_object(body, {"name", "type", "derived", "convergent_encryption", "exportable",
                              "allow_plaintext_backup", "auto_rotate_period", "key_size"}));
    const auto& root = outline.root();
    NewKey key;
    key.name = std::move(name);
    GH_TRY_VOID(check_convergent(root));
    GH_TRY(const auto backup, truth(root, "allow_plaintext_backup"));
    if (backup.value_or(false)) return refuse("plaintext backup is not supported");
    GH_TRY(const auto type, text(root, "type"));
    const auto known = type_named(type.value_or("aes256-gcm96"));
    if (!known) return refuse("unknown key type " + std::string(*type));
    key.type = *known;
    GH_TRY_VOID(into(key.derived, truth(root, "derived")));
    if (key.derived && !derives(key.type)) {
        return refuse("key derivation is not supported for keys of type " +
                      std::string(name_of(key.type)));
    }
    GH_TRY_VOID(into(key.exportable, truth(root, "exportable")));
    GH_TRY_VOID(into(key.auto_rotate, duration(root, "auto_rotate_period")));
    GH_TRY_VOID(check_auto_rotate(key.auto_rotate));
    GH_TRY_VOID(into(key.key_bytes, number(root, "key_size")));
    if (key.key_bytes == 0) return key;
    if (key.type != KeyType::hmac) {
        return refuse("key_size is not valid for algorithm " + std::string(name_of(key.type)));
    }
    if (key.key_bytes < hmac_key_bytes_min || key.key_bytes > hmac_key_bytes_max)
        return refuse("invalid key_size " + std::to_string(key.key_bytes));
    return key;
}

Result<KeySettings> parse_key_settings(std::string_view body) {
    GH_TRY(const auto outline,
           read_object(body, {"name", "min_decryption_version", "min_encryption_version",
                              "deletion_allowed", "exportable", "allow_plaintext_backup",
                              "auto_rotate_period"}));
    const auto& root = outline.root();
    KeySettings wanted;
    GH_TRY_VOID(into(wanted.min_decryption, number(root, "min_decryption_version")));
    GH_TRY_VOID(into(wanted.min_encryption, number(root, "min_encryption_version")));
    GH_TRY_VOID(into(wanted.deletion_allowed, truth(root, "deletion_allowed")));
    GH_TRY_VOID(into(wanted.becomes_exportable, truth(root, "exportable")));
    GH_TRY_VOID(into(wanted.auto_rotate, duration(root, "auto_rotate_period")));
    GH_TRY(const auto backup, truth(root, "allow_plaintext_backup"));
    if (backup.value_or(false)) return refuse("plaintext backup is not supported");
    return wanted;
}

Result<std::uint32_t> parse_trim(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"name", "min_available_version"}));
    GH_TRY(const auto available, number(outline.root(), "min_available_version"));
    if (!available) return refuse("missing min_available_version");
    return *available;
}

Result<void> parse_nothing(std::string_view body) {
    GH_TRY_VOID(read_object(body, {"name"}));
    return {};
}

Result<Tool> parse_tool(std::string_view body) {
    GH_TRY(const auto outline,
           read_object(body, {"input", "algorithm", "format", "bytes", "source"}));
    const auto& root = outline.root();
    Tool tool;
    GH_TRY(const auto source, text(root, "source"));
    if (source && *source != "platform" && !source->empty())
        return refuse("source is platform: there is no other");
    GH_TRY(const auto hash, text(root, "algorithm"));
    GH_TRY(const auto format, text(root, "format"));
    if (hash) tool.hash = std::string(*hash);
    if (format) tool.format = std::string(*format);
    GH_TRY_VOID(into(tool.bytes, number(root, "bytes")));
    GH_TRY(const auto input, text(root, "input"));
    auto octets = codec::decode_base64(input.value_or(""));
    if (!octets) return refuse("unable to decode input as base64");
    tool.input = crypto::Secret(*octets);
    crypto::wipe(octets->data(), octets->size());
    return tool;
}

}  // namespace gh::vault::transit
