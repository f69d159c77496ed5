#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace gh::storage {

namespace detail {
template <const std::string_view&... parts>
inline constexpr auto joined_text = [] {
    std::array<char, (parts.size() + ... + 1)> all{};
    auto* at = all.data();
    ((at = std::copy(parts.begin(), parts.end(), at)), ...);
    return all;
}();
}  // namespace detail

/// Several texts as one, while compiling: for statements that differ in a clause.
template <const std::string_view&... parts>
inline constexpr std::string_view joined(detail::joined_text<parts...>.data(),
                                         detail::joined_text<parts...>.size() - 1);

}  // namespace gh::storage
