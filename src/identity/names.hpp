#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gh::identity {

// Names that are kept or sent as one text: roles apart by commas, scopes apart by spaces.

/// Empty pieces mean nothing.
[[nodiscard]] std::vector<std::string> split_names(std::string_view text, char separator);
[[nodiscard]] std::string join_names(std::span<const std::string> names, char separator);

inline constexpr std::size_t scope_bytes_max = 128;

/// RFC 6749 §3.3: printable ASCII without space, '"' and '\'; at most scope_bytes_max.
[[nodiscard]] bool valid_scope(std::string_view scope);

[[nodiscard]] bool has_name(std::span<const std::string> names, std::string_view name);
/// Is each of `some` among `all`?
[[nodiscard]] bool has_names(std::span<const std::string> all, std::span<const std::string> some);

}  // namespace gh::identity
