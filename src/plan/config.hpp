#pragma once

#include <chrono>
#include <cstdint>

#include "config/type.hpp"

namespace gh::plan {

/// `plans` of gatehouse.yaml.
struct PlansConfig {
    std::chrono::milliseconds lease{30'000};       ///< until a silent agent's step is another's
    std::chrono::milliseconds retry_first{1'000};  ///< rest before the second attempt
    std::chrono::milliseconds retry_most{60'000};  ///< rest at most
    std::uint32_t steps_max = 10'000;              ///< of a plan, with those that steps became
    std::chrono::milliseconds keep{90LL * 24 * 3600 *
                                   1000};  ///< how long plans are kept that have ended
    friend bool operator==(const PlansConfig&, const PlansConfig&) = default;
};

/// How `plans` is read, shown and described.
[[nodiscard]] config::Type<PlansConfig> plans_type();

}  // namespace gh::plan
