#pragma once

#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "access/connection_budget.hpp"
#include "access/rate_limiter.hpp"
#include "app/identity_house.hpp"
#include "app/own_routes.hpp"
#include "app/plan.hpp"
#include "app/settings.hpp"
#include "app/tls_material.hpp"
#include "export/log_writer.hpp"
#include "gateway/server.hpp"
#include "gateway/worker.hpp"
#include "identity/trust.hpp"
#include "net/resolver.hpp"
#include "pki/revoked.hpp"
#include "telemetry/http_metrics.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// One worker with its thread.
struct Crew {
    Crew(std::size_t index, gateway::Services& services, const identity::TrustSource& trust,
         IdentityHouse& identity);
    /// Runs the loop, on a thread of its own.
    void start();

    gateway::Worker worker;
    gateway::Server server;
    std::jthread thread;
};

/// Of all, in their order.
[[nodiscard]] std::vector<const net::Loop*> loops_of(std::span<const std::unique_ptr<Crew>> crews);

/// What is revoked ends open exchanges, too: on the thread of each worker, as long as it runs.
void end_what_is_revoked(identity::RevocationSource& revocations,
                         pki::RevokedCertificates& certificates,
                         std::span<const std::unique_ptr<Crew>> crews);

inline constexpr std::uint64_t descriptors_reserved =
    1'024;  // listeners, logs, upstream connections, body files
/// More than these were wanted by a reload, and what counts them was made at the start, for as many as were allowed then.
void warn_of_connections_held(std::uint32_t wanted, const access::ConnectionBudget& budget,
                              telemetry::Log& log);

/// The counters of the gateway, by name.
[[nodiscard]] gateway::Services::Counters make_counters(telemetry::Registry& registry);
[[nodiscard]] gateway::proxy::Upstream::Metrics make_upstream_metrics(
    telemetry::Registry& registry);

/// Keeps the key sets of trusted issuers fresh, on one worker's loop, until no Trust names them any more.
/// @param kept  those it looks after already, from before a reload
void keep_keys(const identity::Trust& trust, identity::TrustSource& source,
               const identity::AuthConfig& config,
               std::vector<std::weak_ptr<identity::JwksCache>>& kept, net::Loop& loop,
               net::Resolver& resolver, telemetry::Log& log);

}  // namespace gh::app
