#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.hpp"

namespace gh::access {

/// How often somebody may call within an hour, over all nodes and restarts.
class CallBudget {
 public:
    virtual ~CallBudget() = default;
    /// Counts a call, unless it is one too many. From any thread; does not wait.
    /// @return false: it is one too many
    [[nodiscard]] virtual bool charge(std::string_view subject, SystemTime now) noexcept = 0;
};

}  // namespace gh::access
