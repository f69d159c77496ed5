#include "vault/path_rules.hpp"

#include <algorithm>
#include <optional>
#include <tuple>

namespace gh::vault {
namespace {

bool has_wildcard(std::string_view path) {
    return path == "+" || path.starts_with("+/") || path.contains("/+");
}

std::string_view take_segment(std::string_view& rest, bool& more) {
    const auto end = rest.find('/');
    more = end != std::string_view::npos;
    const auto segment = rest.substr(0, end);
    rest = more ? rest.substr(end + 1) : std::string_view{};
    return segment;
}

/// How many '+' stand for a segment, where the rule is for the path at all.
std::optional<std::size_t> match(std::string_view rule, bool is_prefix, std::string_view path) {
    std::size_t wildcards = 0;
    for (bool rule_goes_on = true, path_goes_on = true;;) {
        const auto wanted = take_segment(rule, rule_goes_on);
        const auto segment = take_segment(path, path_goes_on);
        if (wanted == "+") {
            ++wildcards;
        } else if (wanted != segment) {
            if (!is_prefix || rule_goes_on || !segment.starts_with(wanted)) return {};
        }
        if (!rule_goes_on) {
            if (path_goes_on && !is_prefix) return {};
            return wildcards;
        }
        if (!path_goes_on) return {};
    }
}

}  // namespace

void PathRules::add(const Policy& policy) {
    for (const auto& rule : policy) {
        const bool wild = has_wildcard(rule.path);
        const bool prefix = !wild && rule.path.ends_with('*');
        auto& rules = wild ? wildcards_ : prefix ? prefixes_ : exact_;
        auto& there = rules[prefix ? rule.path.substr(0, rule.path.size() - 1) : rule.path];
        there = there | rule.capabilities;
    }
}

const Capabilities* PathRules::exact(std::string_view path) const {
    const auto found = exact_.find(path);
    return found == exact_.end() ? nullptr : &found->second;
}

bool PathRules::best(std::string_view path, Match& into) const {
    bool found = false;
    const auto rank = [](const Match& match) {
        return std::tuple(match.first, !match.is_prefix, ~match.wildcards, match.rule.size(),
                          match.rule);
    };
    for (auto length = path.size() + 1; length-- > 0 && !found;) {
        const auto prefix = prefixes_.find(path.substr(0, length));
        if (prefix == prefixes_.end()) continue;
        into = {prefix->first, length, 0, true, prefix->second};
        found = true;
    }
    for (const auto& [rule, capabilities] : wildcards_) {
        const bool is_prefix = rule.ends_with('*');
        const auto bare = std::string_view(rule).substr(0, rule.size() - (is_prefix ? 1 : 0));
        const auto wildcards = match(bare, is_prefix, path);
        if (!wildcards) continue;
        const Match here{bare, rule.find('+'), *wildcards, is_prefix, capabilities};
        if (found && rank(here) < rank(into)) continue;
        into = here;
        found = true;
    }
    return found;
}

Capabilities PathRules::at(std::string_view path, bool lists) const {
    if (const auto* rule = exact(path)) return *rule;
    const bool folder = lists && path.ends_with('/');
    const auto bare = folder ? path.substr(0, path.size() - 1) : path;
    if (const auto* rule = folder ? exact(bare) : nullptr) return *rule;
    Match match;
    if ((folder && best(bare, match)) || best(path, match)) return match.capabilities;
    return {};
}

}  // namespace gh::vault
