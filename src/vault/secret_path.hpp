#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.hpp"

namespace gh::vault {

inline constexpr std::size_t secret_path_bytes_max = 512;
inline constexpr std::size_t secret_path_segments_max = 32;

/// "team/database": segments apart by one '/', none of them empty, "." or "..", of UTF-8 without control characters.
/// @return `invalid_argument` "secret.path"
[[nodiscard]] Result<void> check_secret_path(std::string_view path);

/// What a list begins at: nothing, or a path and a '/' behind it.
/// @return `invalid_argument` "secret.path"
[[nodiscard]] Result<void> check_secret_folder(std::string_view folder);

}  // namespace gh::vault
