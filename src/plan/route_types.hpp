#pragma once

// Types that more than one table of this room has.

#include <chrono>
#include <string>
#include <vector>

#include "api/types.hpp"
#include "plan/plan.hpp"

namespace gh::plan {

[[nodiscard]] const api::Type<Join>& join_type();
[[nodiscard]] const api::Type<milliseconds>& timeout_type();
[[nodiscard]] const api::Type<std::vector<std::string>>& capabilities_type();
[[nodiscard]] const api::Type<std::string>& condition_type();
/// 0 to 100.
[[nodiscard]] const api::Type<double>& percentage_type();

}  // namespace gh::plan
