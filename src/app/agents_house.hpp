#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <vector>

#include "agents/room.hpp"
#include "app/agent_credentials.hpp"
#include "app/settings.hpp"
#include "storage/database.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// The agents of a running house.
class AgentsHouse {
 public:
    /// @param database, registry, log, and what `parts` names outlive it
    AgentsHouse(storage::Database& database, AgentCredentials::Parts parts,
                const agents::AgentsConfig& config, telemetry::Registry& registry,
                telemetry::Log& log)
        : credentials_(std::move(parts)), room_(database, credentials_, config, registry, log) {}
    AgentsHouse(const AgentsHouse&) = delete;
    AgentsHouse& operator=(const AgentsHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() {
        auto all = agents::agent_routes(room_);
        for (const auto routes : {agents::enrol_routes, agents::token_routes, agents::threat_routes,
                                  agents::old_routes})
            std::ranges::move(routes(room_), std::back_inserter(all));
        return all;
    }

    /// One of the clerk's rounds: writes heartbeats, tells who is silent.
    [[nodiscard]] Task<Result<void>> keep() {
        return room_.watch.run(std::chrono::system_clock::now(), std::chrono::steady_clock::now());
    }
    /// At the end.
    [[nodiscard]] Task<Result<void>> write_last() { return room_.watch.write(); }

 private:
    AgentCredentials credentials_;
    agents::Room room_;
};

}  // namespace gh::app
