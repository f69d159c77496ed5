#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace gh::bench {

/// Processor time of this thread.
inline double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

inline double median(std::vector<double> all) {
    std::ranges::sort(all);
    return all[all.size() / 2];
}

/// One way of doing something, measured in turns with the others.
struct Contestant {
    std::string name;
    std::function<void(std::size_t)> run;  ///< so many times
    std::size_t times = 1;                 ///< a round, about 10 ms
    std::vector<double> microseconds{};    ///< each round's

    [[nodiscard]] double typical() const { return median(microseconds); }
};

inline void take_turns(std::vector<Contestant>& all, std::size_t rounds) {
    for (std::size_t round = 0; round <= rounds; ++round) {
        for (auto& each : all) {
            const auto began = cpu_seconds();
            each.run(each.times);
            const auto took = 1e6 * (cpu_seconds() - began) / static_cast<double>(each.times);
            if (round > 0) each.microseconds.push_back(took);  // the first one warms up
        }
    }
}

/// "a / b: 2.1, at most 3"; whether it holds.
[[nodiscard]] inline bool judge(std::string_view what, double ratio, double ratio_max) {
    const bool holds = ratio <= ratio_max;
    fmt::print("| {} | {:.2f} | {:.2f} | {} |\n", what, ratio, ratio_max, holds ? "yes" : "NO");
    return holds;
}

}  // namespace gh::bench
