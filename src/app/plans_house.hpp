#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <vector>

#include "agents/directory.hpp"
#include "plan/room.hpp"

namespace gh::app {

/// The plans of a running house.
class PlansHouse {
 public:
    /// @param database, fallback, registry, log  outlive it; nothing was submitted to `fallback` yet
    PlansHouse(storage::Database& database, storage::Fallback& fallback,
               const plan::PlansConfig& config, telemetry::Registry& registry, telemetry::Log& log)
        : agents_(database),
          room_(database, fallback, agents_, config, registry, log, agents::Directory::admit) {}
    PlansHouse(const PlansHouse&) = delete;
    PlansHouse& operator=(const PlansHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() {
        auto all = plan::plan_routes(room_);
        for (const auto routes :
             {plan::step_routes, plan::claim_routes, plan::work_routes, plan::event_routes})
            std::ranges::move(routes(room_), std::back_inserter(all));
        return all;
    }

    /// One of the clerk's rounds: ends leases of agents that are silent, and removes plans that are over for long.
    [[nodiscard]] Task<Result<void>> keep() { return room_.keeper.run(); }
    /// What was written by others than this room's routes.
    void heed(const std::vector<plan::Stir>& stirs) { room_.heed(stirs); }

 private:
    agents::Directory agents_;
    plan::Room room_;
};

}  // namespace gh::app
