#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <vector>

#include "agents/calls.hpp"
#include "agents/lookout.hpp"
#include "agents/room.hpp"
#include "agents/threat_watch.hpp"
#include "app/agent_credentials.hpp"
#include "app/settings.hpp"
#include "base/try.hpp"
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
        : credentials_(std::move(parts)),
          room_(database, credentials_, config, registry, log),
          lookout_(config.threat_after, registry),
          threats_(database, lookout_, config.threat_window, log),
          calls_(database, config.calls_per_hour) {}
    AgentsHouse(const AgentsHouse&) = delete;
    AgentsHouse& operator=(const AgentsHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() {
        auto all = agents::agent_routes(room_);
        for (const auto routes : {agents::enrol_routes, agents::heartbeat_routes,
                                  agents::token_routes, agents::threat_routes, agents::old_routes})
            std::ranges::move(routes(room_), std::back_inserter(all));
        return all;
    }

    [[nodiscard]] agents::Credentials& credentials() { return credentials_; }
    [[nodiscard]] agents::Heartbeats& heartbeats() { return room_.heartbeats; }
    /// Hears of what the gateway refuses.
    [[nodiscard]] access::Witness& witness() { return lookout_; }
    /// How often agents may call.
    [[nodiscard]] access::CallBudget& calls() { return calls_; }
    /// One of the clerk's rounds: writes heartbeats, tells who is silent, and of attacks that the gateway has seen.
    [[nodiscard]] Task<Result<void>> keep() {
        const auto now = std::chrono::system_clock::now();
        const auto steady = std::chrono::steady_clock::now();
        // None of them waits for another to be well again.
        const auto watched = co_await room_.watch.run(now, steady);
        const auto exchanged = co_await calls_.exchange(now);
        const auto told = co_await threats_.run(now, steady);
        if (!watched) co_return watched;
        co_return exchanged ? told : exchanged;
    }
    /// At the end.
    [[nodiscard]] Task<Result<void>> write_last() {
        GH_CO_TRY_VOID(co_await room_.watch.write());
        co_return co_await calls_.write(std::chrono::system_clock::now());
    }

 private:
    AgentCredentials credentials_;
    agents::Room room_;
    agents::Lookout lookout_;
    agents::ThreatWatch threats_;
    agents::Calls calls_;
};

}  // namespace gh::app
