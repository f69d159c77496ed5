#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agents/agent.hpp"
#include "agents/threat.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::agents {

/// What a dump holds, each in a list of its own.
enum class Kind : std::uint8_t { agents, tokens, threats, audit_logs };

inline constexpr std::array kinds{Kind::agents, Kind::tokens, Kind::threats, Kind::audit_logs};

/// "agents", "tokens", "threats", "audit_logs": the members of the dump.
[[nodiscard]] std::string_view name_of(Kind kind);

struct DumpedAgent {
    std::string id, hostname;
    std::string ip_address, agent_version;
    Labels labels;
    std::vector<std::string> capabilities;
    std::optional<SystemTime> created_at, last_heartbeat_at;
};

struct DumpedToken {
    std::string agent, token_hash;
    std::optional<SystemTime> created_at, expires_at, last_used_at;
};

struct DumpedThreat {
    std::string id, agent, type;
    Severity severity = Severity::info;
    ThreatStatus status = ThreatStatus::open;
    std::string details = "{}", notes;
    SystemTime detected_at;
};

struct DumpedAct {
    std::string id, agent;  ///< no agent: it was nobody's
    std::string event_type, actor, action, result;
    Severity severity = Severity::info;
    std::string details;
    SystemTime at;
};

/// An entry that is left out, and why.
struct Skipped {
    Kind kind = Kind::agents;
    std::string entry;  ///< its key or its place: "agents[3]"
    std::string why;
};

/// Agents as a program without a database kept them, and what belonged to them.
struct Dump {
    static constexpr std::size_t bytes_max = std::size_t{256} << 20;

    std::vector<DumpedAgent> agents;
    std::vector<DumpedToken> tokens;
    std::vector<DumpedThreat> threats;
    std::vector<DumpedAct> audit_logs;
    std::vector<Skipped> skipped;
};

/// Reads {"agents": ..., "tokens": ..., "threats": ..., "audit_logs": ...}, each a list, or an object whose names are ids. An entry
/// that lacks what is wanted, has a moment or JSON that cannot be read, is there twice, or belongs to an agent that is not read, is
/// skipped; the rest is read.
/// @return `invalid_argument` as codec::json::parse(); "dump.shape": it is no such object
[[nodiscard]] Result<Dump> parse_dump(std::string_view text);

}  // namespace gh::agents
