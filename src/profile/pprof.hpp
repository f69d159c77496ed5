#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "profile/names.hpp"

// Profiles as other programs read them, names resolved, so that nobody needs our binary: pprof's format
// (github.com/google/pprof, profile.proto) and folded stacks, one a line.

namespace gh::profile {

/// "cpu" in "nanoseconds".
struct ValueType {
    std::string_view type, unit;
};

/// Stacks that are equal, and their numbers.
struct StackValues {
    std::vector<std::uint64_t> frames;  ///< innermost first
    std::vector<std::int64_t> values;   ///< one for each type
    std::string thread = {};            ///< its name; empty: no matter which
};

struct Profile {
    std::vector<ValueType> types;  ///< the last one is what is shown first
    std::vector<StackValues> stacks;
    ValueType period_type;
    std::int64_t period = 0;
    SystemTime began;
    std::chrono::nanoseconds duration{0};
    std::vector<std::string> comments = {};
};

/// A Profile message, not compressed.
[[nodiscard]] std::string to_pprof(const Profile& profile, Names& names);

/// "thread;outermost;...;innermost NUMBER", of the last type.
[[nodiscard]] std::string to_folded(const Profile& profile, Names& names);

/// RFC 1952, as the readers of pprof's format expect it.
[[nodiscard]] std::string gzip(std::string_view text);

}  // namespace gh::profile
