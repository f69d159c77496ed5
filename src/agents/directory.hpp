#pragma once

#include <string>
#include <utility>
#include <vector>

#include "access/agent_directory.hpp"
#include "agents/agent_repository.hpp"
#include "agents/agent_rows.hpp"
#include "base/try.hpp"

namespace gh::agents {

/// Agents, as other rooms ask for them.
class Directory final : public access::AgentDirectory {
 public:
    /// @param database  outlives this
    explicit Directory(storage::Database& database) : agents_(database) {}
    Task<Result<std::vector<std::string>>> capabilities(std::string agent_id) override {
        GH_CO_TRY(auto agent, co_await agents_.find(std::move(agent_id)));
        if (is_shut_out(agent.status))
            co_return fail(ErrorKind::permission_denied, "agent.shut_out");
        co_return std::move(agent.capabilities);
    }
    /// Within a transaction: may it be given anything?
    /// @return as capabilities()
    [[nodiscard]] static Task<Result<void>> admit(storage::Session& session, std::string agent_id) {
        GH_CO_TRY(const auto agent, co_await read_agent(session, std::move(agent_id)));
        if (is_shut_out(agent.status))
            co_return fail(ErrorKind::permission_denied, "agent.shut_out");
        co_return Result<void>{};
    }

 private:
    AgentRepository agents_;
};

}  // namespace gh::agents
