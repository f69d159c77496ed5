#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <vector>

#include "access/rate_limiter.hpp"
#include "agents/activity.hpp"
#include "agents/agent_repository.hpp"
#include "agents/config.hpp"
#include "agents/credentials.hpp"
#include "agents/heartbeats.hpp"
#include "agents/status_watch.hpp"
#include "agents/threat_repository.hpp"
#include "agents/token_repository.hpp"
#include "api/route.hpp"
#include "storage/database.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::agents {

/// What the routes of this room work with. Outlives them.
struct Room {
    static constexpr std::uint32_t reports_per_minute = 60;  ///< of one agent, on this node

    /// @param database, credentials, registry, log  outlive it
    Room(storage::Database& database, Credentials& makers, AgentsConfig wanted,
         telemetry::Registry& registry, telemetry::Log& told)
        : agents(database),
          tokens(database),
          threats(database),
          watch(agents, tokens, heartbeats, wanted, registry, told),
          meter(registry, wanted.offline_after),
          credentials(makers),
          config(std::move(wanted)),
          log(told) {}

    AgentRepository agents;
    TokenRepository tokens;
    ThreatRepository threats;
    Heartbeats heartbeats;
    StatusWatch watch;
    ActivityMeter meter;
    Credentials& credentials;
    const AgentsConfig config;
    telemetry::Log& log;
    access::RateLimiter limiter{{.memory_max = std::size_t{4} << 20}};
    access::Limit reports{1, reports_per_minute, std::chrono::minutes(1)};
    std::atomic<std::size_t> lookups = 0;  ///< of tokens, that wait for the database
};

/// What a change of an agent brings with it: who is shut out has no token and no certificate any more, from the same
/// transaction on. On this node at once by Credentials::agent_ended().
[[nodiscard]] storage::Also<Agent> with_ends(Credentials& credentials, SystemTime now,
                                             storage::Also<Agent> also);
/// What announcing one brings with it: its enrolment, in the same transaction.
/// @param enrolment_before  ends; empty: there was none
[[nodiscard]] storage::Also<Agent> with_enrolment(Credentials& credentials,
                                                  Credentials::Awaited awaited,
                                                  std::string enrolment_before,
                                                  storage::Also<Agent> also);
/// Ends all tokens that an agent has, access tokens too, within a transaction.
[[nodiscard]] Task<Result<void>> end_tokens(storage::Session& session, Credentials& credentials,
                                            std::string agent_id, SystemTime now);
/// What the audit log says of an agent that was written.
void tell_agent(audit::Record& record, const Agent& agent);

/// /api/v1/agents
[[nodiscard]] std::vector<api::Route> agent_routes(Room& room);
/// What agents themselves ask for: /api/v1/agents/enrol, /refresh, /self.
[[nodiscard]] std::vector<api::Route> enrol_routes(Room& room);
/// /api/v1/agents/{agent}/heartbeat
[[nodiscard]] std::vector<api::Route> heartbeat_routes(Room& room);
/// /api/v1/agents/{agent}/tokens
[[nodiscard]] std::vector<api::Route> token_routes(Room& room);
/// /api/v1/threats
[[nodiscard]] std::vector<api::Route> threat_routes(Room& room);
/// /api/agent/list, where the configuration says so.
[[nodiscard]] std::vector<api::Route> old_routes(Room& room);

}  // namespace gh::agents
