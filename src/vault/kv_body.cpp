#include "vault/kv_body.hpp"

#include <algorithm>
#include <charconv>

#include "base/try.hpp"
#include "codec/form.hpp"
#include "codec/json.hpp"
#include "codec/json_outline.hpp"
#include "codec/json_writer.hpp"
#include "config/unit.hpp"

namespace gh::vault::kv {
namespace {

using codec::json::Node;
using codec::json::Outline;
using codec::json::Writer;

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "kv.body", std::move(detail));
}

// --- an object's members as they were written: a secret is kept byte for byte, numbers of any length among it ---
// What these are given is JSON that was read well.

std::size_t behind_string(std::string_view text, std::size_t at) {
    for (++at; text[at] != '"'; ++at) {
        if (text[at] == '\\') ++at;
    }
    return at + 1;
}

/// Where a member's value is over: at the ',' or '}' behind it.
std::size_t behind_value(std::string_view text, std::size_t at) {
    for (int depth = 0;;) {
        const char c = text[at];
        if (depth == 0 && (c == ',' || c == '}')) return at;
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        at = c == '"' ? behind_string(text, at) : at + 1;
    }
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto begin = text.find_first_not_of(space);
    return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

void each_member(std::string_view object, auto&& take) {
    for (auto at = object.find('{') + 1;;) {
        at = object.find_first_of("\"}", at);
        if (object[at] == '}') return;
        const auto behind_name = behind_string(object, at);
        const auto name = object.substr(at + 1, behind_name - at - 2);
        const auto value = object.find(':', behind_name) + 1;
        at = behind_value(object, value);
        take(name, trimmed(object.substr(value, at - value)));
        if (object[at] == ',') ++at;
    }
}

/// An object with none but these members, whose names are spelled as they are here.
Result<Outline> read_object(std::string_view body,
                            std::initializer_list<std::string_view> members) {
    auto outline = Outline::borrow(body, {.bytes_max = std::max<std::size_t>(body.size(), 1)});
    if (!outline || !outline->root().is_object())
        return refuse("the body is no JSON object that can be read");
    bool known = true;
    each_member(body, [&](std::string_view name, std::string_view) {
        known = known && std::ranges::find(members, name) != members.end();
    });
    if (!known) return refuse("the body has a member that is not taken here");
    return outline;
}

/// Whole and not negative; clients of the shell send texts.
std::optional<std::uint64_t> number_of(const Node& node) {
    if (const auto whole = node.integer()) {
        if (*whole < 0) return {};
        return static_cast<std::uint64_t>(*whole);
    }
    const auto text = node.string();
    if (!text) return {};
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || end != text->data() + text->size() || number < 0) return {};
    return static_cast<std::uint64_t>(number);
}

bool says_something(const Node* node) { return node != nullptr && !node->is_null(); }

std::string time_of(const std::optional<SystemTime>& time) {
    return time ? config::time_text(*time) : std::string();
}

/// Members that a version has everywhere.
void write_version(Writer& out, const SecretVersion& version) {
    out.name("created_time").string(time_of(version.created_at));
    out.name("deletion_time").string(time_of(version.deleted_at));
    out.name("destroyed").boolean(!version.key_id.has_value());
}

void write_metadata(Writer& out, const SecretVersion& version) {
    out.begin_object();
    write_version(out, version);
    out.name("version").integer(static_cast<std::int64_t>(version.version));
    out.name("custom_metadata").null().end_object();
}

}  // namespace

Result<Write> parse_write(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"data", "options"}));
    const auto* data = outline.root().find("data");
    const auto* options = outline.root().find("options");
    if (data == nullptr || !data->is_object()) return refuse("data is wanted, a JSON object");
    Write write;
    each_member(body, [&](std::string_view name, std::string_view value) {
        if (name == "data") write.data = crypto::Secret(value);
    });
    if (!says_something(options)) return write;
    if (!options->is_object()) return refuse("options is no JSON object");
    const auto* cas = options->find("cas");
    if (!says_something(cas)) return write;
    write.cas = number_of(*cas);
    if (!write.cas) return refuse("cas is no number of a version");
    return write;
}

Result<std::vector<std::uint64_t>> parse_versions(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"versions"}));
    const auto* versions = outline.root().find("versions");
    const auto list = versions ? versions->array() : std::nullopt;
    if (!list || list->size() == 0 || list->size() > versions_kept_max)
        return refuse("versions is wanted, a list of 1 to 1000 numbers");
    std::vector<std::uint64_t> numbers;
    for (const auto& each : *list) {
        const auto number = number_of(each);
        if (!number || *number == 0) return refuse("versions holds what is no version");
        numbers.push_back(*number);
    }
    return numbers;
}

Result<Configuration> parse_configuration(std::string_view body) {
    GH_TRY(const auto outline, read_object(body, {"max_versions", "cas_required",
                                                  "delete_version_after", "custom_metadata"}));
    const auto& root = outline.root();
    const auto* after = root.find("delete_version_after");
    if (says_something(after) && after->string() != "0s" && after->integer() != 0)
        return refuse(
            "delete_version_after is not supported: versions stay until they are deleted");
    if (says_something(root.find("custom_metadata")))
        return refuse("custom_metadata is not supported");
    Configuration wanted;
    if (const auto* max = root.find("max_versions"); says_something(max)) {
        const auto number = number_of(*max);
        if (!number || *number > versions_kept_max)
            return refuse("max_versions is no number of at most 1000");
        wanted.max_versions = static_cast<std::uint32_t>(*number);
    }
    if (const auto* cas = root.find("cas_required"); says_something(cas)) {
        wanted.cas_required = cas->boolean();
        if (!wanted.cas_required) return refuse("cas_required is neither true nor false");
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
    return list != nullptr && *list == "true";
}

std::string enveloped(std::string_view data, std::string_view request_id) {
    std::string text;
    text.reserve(data.size() + 256);
    Writer out(text);
    out.begin_object().name("request_id").string(request_id).name("lease_id").string("");
    out.name("renewable").boolean(false).name("lease_duration").integer(0);
    out.name("data").raw(data).name("wrap_info").null().name("warnings").null();
    out.name("auth").null().end_object();
    return text + "\n";
}

std::string text_of(const SecretChange& written, std::string_view request_id) {
    std::string data;
    Writer out(data);
    SecretVersion version;
    version.version = written.versions.front();
    version.key_id.emplace();  // whatever it is: it has a value
    version.created_at = written.at;
    write_metadata(out, version);
    return enveloped(data, request_id);
}

std::string text_of(const OpenedSecret& secret, std::string_view request_id) {
    std::string data;
    data.reserve((secret.value ? secret.value->size() : 0) + 256);
    Writer out(data);
    out.begin_object().name("data");
    out.raw(secret.value ? crypto::text_of(secret.value->bytes()) : "null").name("metadata");
    write_metadata(out, secret.version);
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
    out.name("custom_metadata").null().name("delete_version_after").string("0s");
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
