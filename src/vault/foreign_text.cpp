#include "vault/foreign_text.hpp"

#include <algorithm>
#include <cstddef>

#include "codec/utf8.hpp"

namespace gh::vault {

std::string storable(std::string text) {
    constexpr std::size_t bytes_max = 1'000;
    if (text.size() > bytes_max) text.resize(bytes_max);
    if (!codec::is_utf8(text)) std::erase_if(text, [](char c) { return (c & 0x80) != 0; });
    std::erase(text, '\0');
    return text;
}

}  // namespace gh::vault
