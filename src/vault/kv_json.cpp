#include "vault/kv_json.hpp"

#include <algorithm>
#include <cstddef>
#include <map>

#include "codec/json.hpp"

namespace gh::vault::kv {
namespace {

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

/// A name has many spellings where there are escapes.
std::string unescaped(std::string_view name) {
    if (!name.contains('\\')) return std::string(name);
    const auto read = codec::json::parse('"' + std::string(name) + '"');
    return read ? *read->string() : std::string(name);
}

void append_member(std::string& out, std::string_view name) {
    if (out.back() != '{') out += ',';
    out += '"';
    out += name;
    out += "\":";
}

// As deep as the parser allows.
void append_merged(std::string& out, std::string_view target, std::string_view patch) {
    if (!patch.starts_with('{')) {
        out += patch;
        return;
    }
    if (!target.starts_with('{')) target = "{}";
    const auto wanted = members_of(patch);
    std::map<std::string, std::size_t>
        places;  // no hash: who writes the names could make them collide
    for (std::size_t i = 0; i < wanted.size(); ++i) places.emplace(unescaped(wanted[i].first), i);
    std::vector<bool> done(wanted.size(), false);
    out += '{';
    for (const auto& [name, value] : members_of(target)) {
        const auto place = places.find(unescaped(name));
        if (place == places.end()) {
            append_member(out, name);
            out += value;
            continue;
        }
        done[place->second] = true;
        const auto change = wanted[place->second].second;
        if (change == "null") continue;
        append_member(out, name);
        append_merged(out, value, change);
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (done[i] || wanted[i].second == "null") continue;
        append_member(out, wanted[i].first);
        append_merged(out, "{}", wanted[i].second);
    }
    out += '}';
}

}  // namespace

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto begin = std::min(text.find_first_not_of(space), text.size());
    return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

std::vector<std::pair<std::string_view, std::string_view>> members_of(std::string_view object) {
    std::vector<std::pair<std::string_view, std::string_view>> members;
    for (auto at = object.find('{') + 1;;) {
        at = object.find_first_of("\"}", at);
        if (object[at] == '}') return members;
        const auto behind_name = behind_string(object, at);
        const auto name = object.substr(at + 1, behind_name - at - 2);
        const auto value = object.find(':', behind_name) + 1;
        at = behind_value(object, value);
        members.emplace_back(name, trimmed(object.substr(value, at - value)));
        if (object[at] == ',') ++at;
    }
}

crypto::Secret merged(std::string_view target, std::string_view patch) {
    std::string text;
    text.reserve(target.size() + patch.size() + 2);  // so that no shorter copy is left behind
    append_merged(text, trimmed(target), trimmed(patch));
    crypto::Secret whole{std::string_view(text)};
    crypto::wipe(text.data(), text.size());
    return whole;
}

}  // namespace gh::vault::kv
