#pragma once

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/agent_repository.hpp"
#include "bus/room.hpp"
#include "identity/user_repository.hpp"
#include "storage/fallback.hpp"

namespace gh::app {

/// The messages of a running house.
class BusHouse {
 public:
    /// @param all_users_known  nobody is believed to be a user but those of this database, and those whom an issuer names
    /// @param database, fallback, registry, log  outlive it
    BusHouse(storage::Database& database, storage::Fallback& fallback, const bus::BusConfig& config,
             bool all_users_known, telemetry::Registry& registry, telemetry::Log& log)
        : agents_(database),
          users_(database),
          all_users_known_(all_users_known),
          room_({.database = database,
                 .fallback = fallback,
                 .name_of_agent = [this](std::string id) { return name_of(std::move(id)); },
                 .has_owner = [this](std::string address) { return has_owner(std::move(address)); },
                 .config = config,
                 .registry = registry,
                 .log = log}) {}
    BusHouse(const BusHouse&) = delete;
    BusHouse& operator=(const BusHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() {
        auto all = bus::message_routes(room_);
        for (const auto routes :
             {bus::inbox_routes, bus::socket_routes, bus::history_routes, bus::task_routes})
            std::ranges::move(routes(room_), std::back_inserter(all));
        return all;
    }
    /// For what other rooms tell.
    [[nodiscard]] outbox::Outbox& outbox() { return room_.bus; }

    /// What waits for it ends soon, should it have retired.
    void agent_ended(const std::string& agent_id) { room_.bus.agent_ended(agent_id); }

    /// One of the clerk's rounds: rings for what is due, ends what has expired.
    [[nodiscard]] Task<Result<void>> keep() {
        return room_.bus.keep(std::chrono::system_clock::now(), std::chrono::steady_clock::now());
    }

 private:
    [[nodiscard]] Task<Result<std::optional<std::string>>> name_of(std::string id) {
        auto agent = co_await agents_.find(std::move(id));
        std::optional<std::string> name;
        if (agent && agent->status != agents::Status::retired) name = std::move(agent->hostname);
        if (!agent && agent.error().kind != ErrorKind::not_found)
            co_return std::unexpected(std::move(agent).error());
        co_return name;
    }

    /// An agent's or a key's, "service:mail", or that of a user: these alone can be looked up.
    [[nodiscard]] Task<Result<bool>> has_owner(std::string address) {
        if (!bus::is_address_of_others(address)) co_return false;
        constexpr std::string_view user = "user:";
        const bool elsewhere = address.find_first_of("@%") != std::string::npos;
        if (!all_users_known_ || elsewhere || !address.starts_with(user)) co_return true;
        const auto found = co_await users_.find_by_name(address.substr(user.size()));
        if (!found && found.error().kind != ErrorKind::not_found)
            co_return std::unexpected(found.error());
        co_return found.has_value();
    }

    agents::AgentRepository agents_;
    identity::UserRepository users_;
    const bool all_users_known_;
    bus::Room room_;
};

}  // namespace gh::app
