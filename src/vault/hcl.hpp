#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

// As much of HCL as policies are written in. Pure.

namespace gh::vault::hcl {

/// name = "text", or name = ["text", ...]
struct Setting {
    std::string name;
    std::vector<std::string> values;
    bool is_list = false;
};

/// path "label" { settings }
struct Block {
    std::string label;
    std::vector<Setting> settings;
};

/// Blocks of the type `path`, and beside them `name = "text"`, which says nothing. Comments are those of HCL.
/// @return `invalid_argument` "policy.syntax", the detail tells the line
[[nodiscard]] Result<std::vector<Block>> parse_paths(std::string_view text);

}  // namespace gh::vault::hcl
