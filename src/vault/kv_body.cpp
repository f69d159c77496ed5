#include "vault/kv_body.hpp"

#include <algorithm>
#include <charconv>

#include "base/try.hpp"
#include "codec/form.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "config/unit.hpp"
#include "vault/json_body.hpp"
#include "vault/kv_json.hpp"

namespace gh::vault::kv {
namespace {

using codec::json::Node;
using codec::json::Writer;

/// Null says nothing, but when it is merged: then it takes away what was said.
bool is_told(const Node* node, bool merges) {
    return node != nullptr && (merges || !node->is_null());
}

/// As their clients show them: "3h25m19s".
std::string text_of(seconds duration) {
    const auto count = duration.count();
    std::string text;
    if (count >= 3'600) text += std::to_string(count / 3'600) + 'h';
    if (count >= 60) text += std::to_string(count / 60 % 60) + 'm';
    return text + std::to_string(count % 60) + 's';
}

/// {"owner": "ada"}
Result<decltype(SecretSettings::custom_metadata)> custom_metadata_of(const Node& node,
                                                                     bool merges) {
    decltype(SecretSettings::custom_metadata) texts;
    const auto value = node.value();
    if (value.object() == nullptr) return refused_body("custom_metadata is no JSON object");
    for (const auto& [name, text] : *value.object()) {
        if (text.string() != nullptr) {
            texts.emplace(name, *text.string());
        } else if (merges && text.is_null()) {
            texts.emplace(name, std::nullopt);
        } else {
            return refused_body("custom_metadata holds what is no text");
        }
    }
    return texts;
}

std::string time_of(const std::optional<SystemTime>& time) {
    return time ? config::time_text(*time) : std::string();
}

/// Members that a version has everywhere.
void write_version(Writer& out, const SecretVersion& version) {
    out.name("created_time").string(time_of(version.created_at));
    out.name("deletion_time").string(time_of(version.deleted_at));
    out.name("destroyed").boolean(!version.key_id.has_value());
}

void write_custom(Writer& out, std::string_view custom_metadata) {
    out.name("custom_metadata").raw(custom_metadata.empty() ? "null" : custom_metadata);
}

void write_metadata(Writer& out, const SecretVersion& version, std::string_view custom_metadata) {
    out.begin_object();
    write_version(out, version);
    out.name("version").integer(static_cast<std::int64_t>(version.version));
    write_custom(out, custom_metadata);
    out.end_object();
}

}  // namespace

Result<Write> parse_write(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"data", "options"}));
    const auto* data = outline.root().find("data");
    const auto* options = outline.root().find("options");
    if (data == nullptr || !data->is_object()) return refused_body("data is wanted, a JSON object");
    Write write;
    std::string_view options_text;
    for (const auto& [name, value] : members_of(body)) {
        if (name == "data") write.data = crypto::Secret(value);
        if (name == "options") options_text = value;
    }
    if (!says_something(options)) return write;
    if (!options->is_object()) return refused_body("options is no JSON object");
    for (const auto& [name, value] : members_of(options_text)) {
        if (name != "cas") return refused_body("options has a member that is not taken here");
    }
    const auto* cas = options->find("cas");
    if (!says_something(cas)) return write;
    write.cas = number_of(*cas);
    if (!write.cas) return refused_body("cas is no number of a version");
    return write;
}

Result<std::vector<std::uint64_t>> parse_versions(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"versions"}));
    const auto* versions = outline.root().find("versions");
    const auto list = versions ? versions->array() : std::nullopt;
    if (!list || list->size() == 0 || list->size() > versions_kept_max)
        return refused_body("versions is wanted, a list of 1 to 1000 numbers");
    std::vector<std::uint64_t> numbers;
    for (const auto& each : *list) {
        const auto number = number_of(each);
        if (!number || *number == 0) return refused_body("versions holds what is no version");
        numbers.push_back(*number);
    }
    return numbers;
}

Result<SecretSettings> parse_settings(std::string_view body, bool merges) {
    GH_TRY(const auto outline, read_object(body, {"max_versions", "cas_required",
                                                  "delete_version_after", "custom_metadata"}));
    const auto& root = outline.root();
    SecretSettings wanted;
    wanted.must_exist = merges;
    if (const auto* max = root.find("max_versions"); is_told(max, merges)) {
        const auto number = max->is_null() ? 0 : number_of(*max);
        if (!number || *number > versions_kept_max)
            return refused_body("max_versions is no number of at most 1000");
        wanted.max_versions = static_cast<std::uint32_t>(*number);
    }
    if (const auto* cas = root.find("cas_required"); is_told(cas, merges)) {
        wanted.cas_required = cas->is_null() ? false : cas->boolean();
        if (!wanted.cas_required) return refused_body("cas_required is neither true nor false");
    }
    if (const auto* after = root.find("delete_version_after"); is_told(after, merges)) {
        wanted.delete_after = after->is_null() ? seconds(0) : duration_of(*after);
        if (!wanted.delete_after)
            return refused_body(
                "delete_version_after is no duration as 30s or 3h25m19s, in whole seconds");
    }
    if (const auto* custom = root.find("custom_metadata"); is_told(custom, merges)) {
        wanted.forgets_other_metadata = !merges || custom->is_null();
        if (!custom->is_null()) {
            GH_TRY(wanted.custom_metadata, custom_metadata_of(*custom, merges));
        }
    }
    return wanted;
}

Result<std::uint64_t> parse_version_query(std::string_view query) {
    const auto form = codec::parse_form(query);
    const auto refused =
        fail(ErrorKind::invalid_argument, "kv.query", "version is no number of a version");
    if (!form || form->duplicate() != nullptr) return refused;
    const auto* text = form->find("version");
    if (text == nullptr) return std::uint64_t{0};
    std::uint32_t number = 0;
    const auto* const behind = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), behind, number);
    if (error != std::errc() || end != behind) return refused;
    return std::uint64_t{number};
}

bool asks_for_list(std::string_view query) {
    const auto form = codec::parse_form(query);
    const auto* list = form ? form->find("list") : nullptr;
    constexpr std::string_view yes[] = {"true", "1", "t", "T", "TRUE", "True"};
    return list != nullptr && std::ranges::find(yes, *list) != std::end(yes);
}

Result<std::string> parse_policy_text(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"policy", "rules"}));
    for (const auto* name : {"policy", "rules"}) {
        const auto text = outline.root().find_string(name);
        if (text) return std::string(*text);
    }
    return refused_body("policy is wanted, a text");
}

Result<std::vector<std::string>> parse_paths(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"paths", "path"}));
    const auto* wanted = outline.root().find("paths");
    if (wanted == nullptr) wanted = outline.root().find("path");
    const auto refused = refused_body("paths is wanted, a list of 1 to 100 texts");
    std::vector<std::string> paths;
    if (wanted == nullptr) return refused;
    if (const auto list = wanted->array()) {
        for (const auto& each : *list) {
            if (!each.string()) return refused;
            paths.emplace_back(*each.string());
        }
    } else if (const auto text = wanted->string()) {
        for (std::size_t at = 0; at <= text->size();) {
            const auto end = std::min(text->find(',', at), text->size());
            paths.emplace_back(trimmed(text->substr(at, end - at)));
            at = end + 1;
        }
    }
    if (paths.empty() || paths.size() > paths_max) return refused;
    return paths;
}

std::string enveloped(std::string_view data, std::string_view request_id, bool also_on_top) {
    std::string text;
    text.reserve(data.size() + 256);
    Writer out(text);
    out.begin_object().name("request_id").string(request_id).name("lease_id").string("");
    out.name("renewable").boolean(false).name("lease_duration").integer(0);
    out.name("data").raw(data).name("wrap_info").null().name("warnings").null();
    out.name("auth").null();
    if (also_on_top) {
        for (const auto& [name, value] : members_of(data)) {
            text += ",\"";
            text += name;
            text += "\":";
            text += value;
        }
    }
    out.end_object();
    return text + "\n";
}

std::string text_of(const SecretChange& written, std::string_view request_id) {
    std::string data;
    Writer out(data);
    SecretVersion version;
    version.version = written.versions.front();
    version.key_id.emplace();  // whatever it is: it has a value
    version.created_at = written.at;
    version.deleted_at = written.deletes_at;
    write_metadata(out, version, written.custom_metadata);
    return enveloped(data, request_id);
}

std::string text_of(const OpenedSecret& secret, std::string_view request_id) {
    std::string data;
    data.reserve((secret.value ? secret.value->size() : 0) + 256);
    Writer out(data);
    out.begin_object().name("data");
    out.raw(secret.value ? crypto::text_of(secret.value->bytes()) : "null").name("metadata");
    write_metadata(out, secret.version, secret.custom_metadata);
    out.end_object();
    auto text = enveloped(data, request_id);
    crypto::wipe(data.data(), data.size());
    return text;
}

std::string text_of(const SecretFacts& facts, std::string_view request_id) {
    std::string data;
    Writer out(data);
    const auto oldest = facts.versions.empty() ? 0 : facts.versions.front().version;
    out.begin_object().name("cas_required").boolean(facts.cas_required);
    out.name("created_time").string(config::time_text(facts.created_at));
    out.name("current_version").integer(static_cast<std::int64_t>(facts.current_version));
    write_custom(out, facts.custom_metadata);
    out.name("delete_version_after").string(text_of(facts.delete_after));
    out.name("max_versions").integer(facts.max_versions);
    out.name("oldest_version").integer(static_cast<std::int64_t>(oldest));
    out.name("updated_time").string(config::time_text(facts.updated_at));
    out.name("versions").begin_object();
    for (const auto& version : facts.versions) {
        out.name(std::to_string(version.version)).begin_object();
        write_version(out, version);
        out.end_object();
    }
    out.end_object().end_object();
    return enveloped(data, request_id);
}

std::string text_of(const std::vector<std::string>& names, std::string_view request_id) {
    std::string data;
    Writer out(data);
    out.begin_object().name("keys").begin_array();
    for (const auto& name : names) out.string(name);
    out.end_array().end_object();
    return enveloped(data, request_id);
}

std::string text_of_errors(std::string_view error) {
    std::string text;
    Writer out(text);
    out.begin_object().name("errors").begin_array();
    if (!error.empty()) out.string(error);
    out.end_array().end_object();
    return text + "\n";
}

}  // namespace gh::vault::kv
