#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.hpp"

namespace gh::plan {

/// How long a step rests before its next attempt: doubling, and somewhere in the upper half of that, so that steps which
/// failed together do not come back together.
/// @param attempts  that were made, from 1
/// @param jitter    0 to 1
[[nodiscard]] inline milliseconds retry_delay(std::int64_t attempts, milliseconds first,
                                              milliseconds most, double jitter) {
    const auto doubled = std::clamp<std::int64_t>(attempts - 1, 0, 30);
    const auto whole = std::min<double>(
        static_cast<double>(first.count()) * static_cast<double>(std::int64_t{1} << doubled),
        static_cast<double>(most.count()));
    return milliseconds(
        static_cast<std::int64_t>(whole * (0.5 + 0.5 * std::clamp(jitter, 0.0, 1.0))));
}

}  // namespace gh::plan
