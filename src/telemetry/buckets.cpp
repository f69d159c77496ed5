#include "telemetry/buckets.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace gh::telemetry {

Buckets::Buckets(std::span<const double> bounds, double ticks_per_unit)
    : ticks_per_unit_(ticks_per_unit) {
    if (bounds.size() > bounds_max) throw std::logic_error("telemetry: too many buckets");
    for (const double bound : bounds) {
        const double ticks = std::round(bound * ticks_per_unit);
        const bool fits = ticks >= 1 && ticks < 9e18;
        if (!fits || (!bounds_.empty() && static_cast<std::uint64_t>(ticks) <= bounds_.back())) {
            throw std::logic_error("telemetry: buckets must be positive and ascend");
        }
        bounds_.push_back(static_cast<std::uint64_t>(ticks));
        texts_.push_back(fmt::format("{}", bound));
    }
    bounds_.push_back(std::numeric_limits<std::uint64_t>::max());
    texts_.emplace_back("+Inf");

    for (std::size_t width = 0; width < start_.size(); ++width) {
        const std::uint64_t smallest = width == 0 ? 0 : std::uint64_t{1} << (width - 1);
        std::size_t index = 0;
        while (bounds_[index] < smallest) ++index;
        start_[width] = static_cast<std::uint8_t>(index);
    }
}

Buckets duration_buckets() {
    return {{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, 1e9};
}

}  // namespace gh::telemetry
