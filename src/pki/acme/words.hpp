#pragma once

#include <string>
#include <string_view>
#include <vector>

// Lists as columns have them: words apart by spaces, none of which has one.

namespace gh::pki::acme {

[[nodiscard]] inline std::string text_of_words(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

[[nodiscard]] inline std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = text.find(' ');
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

}  // namespace gh::pki::acme
