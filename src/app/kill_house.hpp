#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "agents/revoke.hpp"
#include "api/route.hpp"
#include "app/kill_switch.hpp"
#include "app/kill_watch.hpp"
#include "bus/revoke.hpp"
#include "identity/oauth/revoke.hpp"
#include "identity/role_repository.hpp"
#include "pki/revoke.hpp"
#include "plan/revoke.hpp"
#include "telemetry/log.hpp"
#include "vault/leases/revoke.hpp"

namespace gh::app {

/// Every room that holds something of principals.
class KillPlanes {
 public:
    /// @param credentials, heartbeats  outlive it
    KillPlanes(agents::Credentials& credentials, agents::Heartbeats* heartbeats,
               const std::string& trust_domain)
        : agents_(credentials, heartbeats), certificates_([trust_domain](const std::string& id) {
              return "spiffe://" + trust_domain + "/agent/" + id;
          }) {}
    KillPlanes(const KillPlanes&) = delete;
    KillPlanes& operator=(const KillPlanes&) = delete;

    /// Agents before steps: who waits for a step is told by what ends an agent.
    [[nodiscard]] std::vector<access::Revocable*> all() {
        return {&agents_, &credentials_, &certificates_, &leases_, &messages_, &steps_};
    }

 private:
    agents::RevocableAgents agents_;
    identity::oauth::RevocableCredentials credentials_;
    pki::RevocableCertificates certificates_;
    vault::leases::RevocableLeases leases_;
    bus::RevocableMessages messages_;
    plan::RevocableSteps steps_;
};

/// What the routes of the kill switch work with. Outlives them.
struct KillRoom {
    KillSwitch& breaker;
    KillWatch& watch;
    const identity::RoleSource& roles;  ///< what they let do who ask
    telemetry::Log& log;
};

/// /api/v1/kill-switch
[[nodiscard]] std::vector<api::Route> kill_routes(KillRoom& room);

/// The kill switch of a running house.
class KillHouse {
 public:
    /// @param database, credentials, heartbeats, roles, log, and what `parts` names outlive it
    KillHouse(storage::Database& database, agents::Credentials& credentials,
              agents::Heartbeats& heartbeats, const std::string& trust_domain,
              KillWatch::Parts parts, const identity::RoleSource& roles, telemetry::Log& log)
        : planes_(credentials, &heartbeats, trust_domain),
          breaker_(database, planes_.all()),
          watch_(std::move(parts)),
          room_{breaker_, watch_, roles, log} {}
    KillHouse(const KillHouse&) = delete;
    KillHouse& operator=(const KillHouse&) = delete;

    [[nodiscard]] std::vector<api::Route> routes() { return kill_routes(room_); }
    [[nodiscard]] KillWatch& watch() { return watch_; }

 private:
    KillPlanes planes_;
    KillSwitch breaker_;
    KillWatch watch_;
    KillRoom room_;
};

}  // namespace gh::app
