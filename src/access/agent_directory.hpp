#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"

namespace gh::access {

/// What other rooms want to know of agents, from the room that has them.
class AgentDirectory {
 public:
    virtual ~AgentDirectory() = default;
    /// What an agent can do.
    /// @return `not_found` "agent.unknown"; `permission_denied` "agent.shut_out"; storage's errors
    [[nodiscard]] virtual Task<Result<std::vector<std::string>>> capabilities(
        std::string agent_id) = 0;
};

}  // namespace gh::access
