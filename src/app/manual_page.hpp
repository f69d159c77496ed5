#pragma once

#include <string>

#include "app/command_table.hpp"
#include "config/shape.hpp"

namespace gh::app {

/// gatehouse(1): every verb with its options, for man (macros of man(7)).
[[nodiscard]] std::string manual_page(const CommandVerb& program);
/// gatehouse.yaml(5): every key of the configuration.
[[nodiscard]] std::string manual_page_of_settings(const config::Shape& settings);

}  // namespace gh::app
