#include "vault/policy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/utf8.hpp"
#include "vault/hcl.hpp"

namespace gh::vault {
namespace {

using codec::json::Value;
using hcl::Setting;

// In the order of the enumeration.
constexpr std::array<std::string_view, 8> names{"create", "read", "update", "patch",
                                                "delete", "list", "sudo",   "deny"};

std::unexpected<Error> refuse(std::string detail) {
    return fail(ErrorKind::invalid_argument, "policy.syntax", std::move(detail));
}

/// What one word of older days stands for.
std::optional<Capabilities> capabilities_of_word(std::string_view word) {
    using enum Capability;
    if (word == "deny") return Capabilities{deny};
    if (word == "read") return Capabilities{read, list};
    if (word == "write") return Capabilities{create, read, update, remove, list};
    if (word == "sudo") return Capabilities{create, read, update, remove, list, sudo};
    return {};
}

Result<std::string> checked_path(std::string path) {
    if (path.starts_with('/')) path.erase(0, 1);
    if (path.size() > policy_path_bytes_max || !codec::is_utf8(path) ||
        codec::has_control_character(path))
        return refuse("a path has at most 1024 bytes of UTF-8, without control characters");
    if (path.contains("+*")) return refuse("a path does not contain \"+*\"");
    if (path.contains("{{")) return refuse("templates in paths are not supported");
    return path;
}

Result<Capabilities> capabilities_of(const Setting& setting) {
    Capabilities all;
    if (setting.name == "policy" && setting.values.size() == 1 && !setting.is_list) {
        const auto old = capabilities_of_word(setting.values.front());
        if (old) return *old;
    } else if (setting.name == "capabilities" && setting.is_list) {
        const auto known = std::ranges::all_of(setting.values, [&](const auto& name) {
            const auto one = capability_of(name);
            if (one) all.add(*one);
            return one.has_value();
        });
        if (known) return all;
    } else if (setting.name == "comment") {
        return all;
    } else if (setting.name != "policy" && setting.name != "capabilities") {
        return refuse(setting.name +
                      " is not supported: without it, this policy would allow more than it says");
    }
    return refuse(setting.name +
                  " is none of: create, read, update, patch, delete, list, sudo, deny");
}

Result<void> add_rule(Policy& policy, const hcl::Block& block) {
    if (policy.size() == policy_rules_max) return refuse("a policy has at most 1000 paths");
    PathRule rule;
    GH_TRY(rule.path, checked_path(block.label));
    for (const auto& setting : block.settings) {
        GH_TRY(const auto more, capabilities_of(setting));
        rule.capabilities = rule.capabilities | more;
    }
    policy.push_back(std::move(rule));
    return {};
}

/// A list of texts, or one.
std::optional<Setting> setting_of(const std::string& name, const Value& value) {
    Setting setting{.name = name, .values = {}, .is_list = value.array() != nullptr};
    if (value.string() != nullptr) setting.values = {*value.string()};
    if (value.string() == nullptr && !setting.is_list) return {};
    if (setting.is_list) {
        for (const auto& each : *value.array()) {
            if (each.string() == nullptr) return {};
            setting.values.push_back(*each.string());
        }
    }
    return setting;
}

Result<void> add_paths(Policy& policy, const Value& paths) {
    if (paths.object() == nullptr) return refuse("path is no object of paths");
    for (const auto& [path, rules] : *paths.object()) {
        hcl::Block block{.label = path, .settings = {}};
        if (rules.object() == nullptr) return refuse("what stands at a path is no object");
        for (const auto& [name, value] : *rules.object()) {
            auto setting = setting_of(name, value);
            if (!setting) return refuse(name + " is neither a text nor a list of texts");
            block.settings.push_back(*std::move(setting));
        }
        GH_TRY_VOID(add_rule(policy, block));
    }
    return {};
}

/// {"path": {"secret/data/*": {"capabilities": ["read"]}}}; of path there may be a list.
Result<Policy> parse_json(std::string_view document) {
    const auto value = codec::json::parse(document);
    if (!value) return refuse("this is no JSON that can be read: " + value.error().detail);
    Policy policy;
    for (const auto& [name, member] : *value->object()) {
        if (name == "name") continue;
        if (name != "path") return refuse("there is nothing but path in a policy");
        if (member.array() == nullptr) {
            GH_TRY_VOID(add_paths(policy, member));
            continue;
        }
        for (const auto& each : *member.array()) GH_TRY_VOID(add_paths(policy, each));
    }
    return policy;
}

}  // namespace

std::string_view name_of(Capability capability) {
    return names[static_cast<std::size_t>(capability)];
}

std::optional<Capability> capability_of(std::string_view name) {
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return static_cast<Capability>(found - names.begin());
}

Result<Policy> parse_policy(std::string_view document) {
    if (document.size() > policy_bytes_max) return refuse("a policy has at most 64 KiB");
    if (!codec::is_utf8(document)) return refuse("a policy is UTF-8");
    const auto begin = document.find_first_not_of(" \t\r\n");
    if (begin != std::string_view::npos && document[begin] == '{') return parse_json(document);
    Policy policy;
    GH_TRY(const auto blocks, hcl::parse_paths(document));
    for (const auto& block : blocks) {
        if (auto added = add_rule(policy, block); !added)
            return refuse("path \"" + block.label + "\": " + added.error().detail);
    }
    return policy;
}

Result<void> check_policy_name(std::string_view name) {
    const bool good = std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
    if (good && !name.empty() && name.size() <= 128 && name != "root") return {};
    return fail(ErrorKind::invalid_argument, "policy.name",
                "a policy's name has 1 to 128 of a-z, 0-9 and \"._-\", and is not root");
}

}  // namespace gh::vault
