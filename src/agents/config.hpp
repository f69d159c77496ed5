#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/type.hpp"

namespace gh::agents {

/// No agent's access token lives longer.
inline constexpr std::chrono::hours access_token_ttl_max{24};

/// More of them from one network within a minute are a threat; 0: never.
struct ThreatThresholds {
    std::uint64_t guesses = 20;   ///< credentials that are none
    std::uint64_t probes = 60;    ///< paths at which there is nothing
    std::uint64_t smuggling = 3;  ///< requests whose end is ambiguous
    std::uint64_t blocks = 100;   ///< requests beyond a limit
    friend bool operator==(const ThreatThresholds&, const ThreatThresholds&) = default;
};

/// `agents` of gatehouse.yaml.
struct AgentsConfig {
    std::chrono::milliseconds heartbeat_interval{5'000};  ///< what agents are told
    std::chrono::milliseconds heartbeat_flush{1'000};     ///< until a heartbeat is in the database
    std::chrono::milliseconds offline_after{30'000};      ///< silence
    std::chrono::seconds access_token_ttl{1'800};
    std::chrono::seconds token_ttl{86'400};  ///< of a refresh token, where nobody says another
    std::chrono::seconds enrolment_ttl{3'600};
    std::chrono::seconds threat_window{3'600};  ///< reports of the same thing are one threat
    ThreatThresholds threat_after;
    std::uint64_t calls_per_hour = 0;        ///< of each agent, over all nodes; 0: any number
    std::string trust_domain = "gatehouse";  ///< certificates say spiffe://DOMAIN/agent/ID
    bool agent_list = false;                 ///< GET /api/agent/list is ours
    friend bool operator==(const AgentsConfig&, const AgentsConfig&) = default;
};

/// How `agents` is read, shown and described.
[[nodiscard]] config::Type<AgentsConfig> agents_type();

}  // namespace gh::agents
