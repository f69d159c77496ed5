#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

namespace gh::telemetry {

/// The upper bounds of a histogram, inclusive, in whole ticks.
class Buckets {
 public:
    static constexpr std::size_t bounds_max = 64;

    /// Only +Inf.
    Buckets() : Buckets(std::span<const double>{}, 1) {}

    /// @param bounds          ascending, positive, at most 64, without +Inf; throws
    /// std::logic_error otherwise
    /// @param ticks_per_unit  how finely is counted: 1e9 for nanoseconds shown as seconds, 1 for
    /// bytes
    Buckets(std::span<const double> bounds, double ticks_per_unit);
    Buckets(std::initializer_list<double> bounds, double ticks_per_unit)
        : Buckets(std::span(bounds.begin(), bounds.size()), ticks_per_unit) {}

    /// One jump by magnitude, then as many steps as bounds share that power of two: mostly none or
    /// one.
    [[nodiscard]] std::size_t index_of(std::uint64_t ticks) const noexcept {
        std::size_t index = start_[static_cast<std::size_t>(std::bit_width(ticks))];
        while (ticks > bounds_[index]) ++index;
        return index;
    }

    /// Buckets with +Inf's.
    [[nodiscard]] std::size_t size() const noexcept { return bounds_.size(); }
    /// The bound as a label value: "0.005", "2.5", "+Inf".
    [[nodiscard]] const std::string& text(std::size_t index) const noexcept {
        return texts_[index];
    }
    [[nodiscard]] double ticks_per_unit() const noexcept { return ticks_per_unit_; }

 private:
    std::vector<std::uint64_t> bounds_;     // the last one is the largest number there is
    std::array<std::uint8_t, 65> start_{};  // by bit width: the first bound that can matter
    std::vector<std::string> texts_;
    double ticks_per_unit_;
};

/// Seconds: .001 .0025 .005 .01 .025 .05 .1 .25 .5 1 2.5 5 10, observed in nanoseconds.
[[nodiscard]] Buckets duration_buckets();

}  // namespace gh::telemetry
