#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gh::bench {

/// Durations in nanoseconds, kept to 1.6 % (64 steps for each power of two).
class Histogram {
 public:
    void add(std::int64_t duration_ns) {
        auto value = static_cast<std::uint64_t>(duration_ns < 0 ? 0 : duration_ns);
        counts_[bucket_of(value)]++;
        total_++;
    }

    /// @param share  0..1
    /// @return       microseconds; 0 when nothing was added
    [[nodiscard]] double quantile_us(double share) const {
        auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_) + 0.5);
        std::uint64_t seen = 0;
        for (std::size_t bucket = 0; bucket < counts_.size(); bucket++) {
            seen += counts_[bucket];
            if (seen > 0 && seen >= wanted) return middle_of(bucket) / 1000.0;
        }
        return 0;
    }

 private:
    static constexpr unsigned step_bits = 6;
    static constexpr std::uint64_t steps = 1U << step_bits;

    static std::size_t bucket_of(std::uint64_t value) {
        if (value < steps) return value;
        auto exponent = static_cast<unsigned>(std::bit_width(value)) - 1;
        return (exponent - step_bits + 1) * steps +
               ((value >> (exponent - step_bits)) & (steps - 1));
    }
    static double middle_of(std::size_t bucket) {
        if (bucket < steps) return static_cast<double>(bucket);
        auto shift = bucket / steps - 1;
        return (static_cast<double>(steps + bucket % steps) + 0.5) *
               static_cast<double>(1ULL << shift);
    }

    std::array<std::uint64_t, (65 - step_bits) * steps> counts_{};
    std::uint64_t total_ = 0;
};

/// What an answer has to be.
struct Expected {
    int status = 200;       ///< 0: any
    std::string_view body;  ///< compared byte by byte where check_body
    bool check_body = false;
};

/// What came of the requests. Latencies and `completed` count inside the window only, failures always.
struct Tally {
    Expected expected;
    bool measuring = false;
    Histogram latencies;
    std::uint64_t completed = 0;
    std::uint64_t answered = 0;  ///< window or not
    std::uint64_t wrong_status = 0;
    std::uint64_t wrong_body = 0;
    std::uint64_t broken = 0;   ///< connections that failed, closed early or broke the protocol
    std::uint64_t skipped = 0;  ///< arrivals that found every connection busy
    std::array<std::uint64_t, 600> statuses{};

    void answer(int status, bool body_is_right, std::int64_t latency_ns) {
        answered++;
        if (expected.status != 0 && status != expected.status) wrong_status++;
        if (!body_is_right) wrong_body++;
        if (status > 0 && status < 600) statuses[static_cast<std::size_t>(status)]++;
        if (!measuring) return;
        completed++;
        latencies.add(latency_ns);
    }
};

}  // namespace gh::bench
