#pragma once

#include <string>
#include <string_view>

#include "agents/agent.hpp"
#include "storage/session.hpp"

namespace gh::agents {

/// What agent_of() reads.
inline constexpr std::string_view agent_columns =
    "SELECT id, hostname, ip_address, labels, capabilities, agent_version, status, enrolment, "
    "last_heartbeat_at, version, created_by, created_at, updated_at FROM agents WHERE ";
[[nodiscard]] Agent agent_of(const storage::Row& row);

/// As a column holds them.
[[nodiscard]] std::string text_of_labels(const Labels& labels);
[[nodiscard]] std::string text_of_words(const std::vector<std::string>& words);

/// @return `not_found` "agent.unknown"
[[nodiscard]] Task<Result<Agent>> read_agent(storage::Session& session, std::string id);

}  // namespace gh::agents
