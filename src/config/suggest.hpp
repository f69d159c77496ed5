#pragma once

#include <span>
#include <string_view>

namespace gh::config {

/// The known name that `written` was most likely meant to be, or an empty view: at most a third of its letters wrong,
/// a swap of neighbours counted once.
[[nodiscard]] std::string_view nearest(std::string_view written,
                                       std::span<const std::string_view> known);

}  // namespace gh::config
