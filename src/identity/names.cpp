#include "identity/names.hpp"

#include <algorithm>

namespace gh::identity {

std::vector<std::string> split_names(std::string_view text, char separator) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (end > 0) names.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return names;
}

std::string join_names(std::span<const std::string> names, char separator) {
    std::string text;
    for (const auto& name : names) {
        if (!text.empty()) text += separator;
        text += name;
    }
    return text;
}

bool valid_scope(std::string_view scope) {
    return !scope.empty() && scope.size() <= scope_bytes_max &&
           std::ranges::all_of(scope,
                               [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

bool has_name(std::span<const std::string> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

bool has_names(std::span<const std::string> all, std::span<const std::string> some) {
    return std::ranges::all_of(some, [&](const std::string& name) { return has_name(all, name); });
}

}  // namespace gh::identity
