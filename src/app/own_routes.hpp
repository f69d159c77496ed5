#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "gateway/snapshot.hpp"
#include "net/config.hpp"
#include "pki/acme_client/client.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// How the database fares.
struct StorageState {
    bool answers = true;
    std::uint64_t backlog = 0;  ///< writes that wait for it in the journal
    seconds oldest{0};          ///< how long the first of them has waited
    bool damaged = false;       ///< the check at the start says so
};

/// What our own answers are made of. Outlives the routes.
struct OwnFacts {
    const telemetry::Registry& registry;
    /// Upstreams of the moment, for readiness; called on a worker.
    std::function<std::vector<std::shared_ptr<gateway::proxy::Upstream>>()> upstreams;
    SystemTime started;
    std::string environment;
    std::string release;
    std::vector<api::Route> rooms =
        {};  ///< the tables of the control plane's rooms, one behind the other
    /// For readiness; called on a worker. Unset, or nothing: there is no database.
    std::function<std::optional<StorageState>()> storage = {};
    /// The same of certificates that a CA gives; nothing: no listener wants one.
    std::function<std::optional<pki::acme_client::ServedState>()> acme = {};
};

/// The paths that answer on a listener which serves `service`; none for the gateway itself. Those of `api` are listed by
/// the OpenAPI document among them.
[[nodiscard]] std::vector<api::Route> own_routes(net::Service service, const OwnFacts& facts);

}  // namespace gh::app
