#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "config/node.hpp"
#include "config/problem.hpp"

namespace gh::config {

inline constexpr std::size_t yaml_bytes_max = 1024 * 1024;
inline constexpr std::size_t yaml_depth_max = 32;
inline constexpr std::size_t yaml_nodes_max = 100'000;
inline constexpr std::size_t yaml_keys_max = 10'000;  ///< in one map
inline constexpr std::size_t yaml_key_bytes_max =
    128;  ///< escaped it still fits the 1024 of YAML 1.2.2 §7.4.2

/// Reads one YAML document, less what makes YAML surprising: anchors, aliases and tags are refused, keys are plain
/// words and appear once, text is UTF-8 without control characters. An empty text is an empty map.
///
/// Pure: no file is opened, nothing is expanded.
/// @param file  for messages only
/// @return      the tree, or the first problem with its line
[[nodiscard]] std::expected<Node, Problem> parse_yaml(std::string_view text, std::string_view file);

/// The same tree as block-style YAML, which parse_yaml reads back to the same tree.
[[nodiscard]] std::string write_yaml(const Node& node);

}  // namespace gh::config
