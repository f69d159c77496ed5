#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace gh::exporting {

inline constexpr std::size_t counter_values_max = 100;

/// Reads one counter of another program's metrics page (Prometheus text format 0.0.4): its sum for each value of `label`.
/// Pure and tolerant: lines that are no sample of it are passed over, and so are values of the label beyond the first
/// counter_values_max.
[[nodiscard]] std::map<std::string, double, std::less<>> read_counter(std::string_view page,
                                                                      std::string_view name,
                                                                      std::string_view label);

}  // namespace gh::exporting
