#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace gh::config {

/// The whole of a regular file; devices, pipes and folders are refused, for a start or a reload must not hang on them.
/// @return `not_found` "file.missing", `invalid_argument` "file.kind" or "file.size", `unavailable` "file.read"
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path,
                                            std::size_t bytes_max);

}  // namespace gh::config
