#pragma once

#include <string>
#include <string_view>

namespace gh::pki {

/// ASCII's capitals as small letters: what names of the DNS and schemes of URIs are compared by.
[[nodiscard]] inline std::string lower(std::string_view text) {
    std::string small(text);
    for (auto& c : small) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return small;
}

}  // namespace gh::pki
