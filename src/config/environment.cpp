#include "config/environment.hpp"

#include <unistd.h>

namespace gh::config {

Environment Environment::of_process() {
    Environment out;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals == std::string_view::npos) continue;
        out.variables_.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return out;
}

Environment Environment::over(const Environment& below) const {
    Environment out = *this;
    out.variables_.insert(below.variables_.begin(), below.variables_.end());
    return out;
}

std::optional<std::string_view> Environment::find(std::string_view name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end()) return std::nullopt;
    return found->second;
}

}  // namespace gh::config
