#pragma once

#include <memory>
#include <vector>

#include "app/own_routes.hpp"
#include "app/settings.hpp"
#include "app/tls_material.hpp"
#include "gateway/snapshot.hpp"
#include "telemetry/http_metrics.hpp"

namespace gh::app {

/// What a snapshot is made of besides the settings.
struct PlanParts {
    TlsMaterial& tls;
    telemetry::HttpMetrics& http_metrics;
    gateway::proxy::Upstream::Metrics upstream_metrics;
    const OwnFacts& own;
    std::size_t workers;
    access::CustomRoles roles = {};
    std::shared_ptr<const pki::acme_client::Leaf> of_ca = {};  ///< null: none whose time it is
};

/// Makes what the request path reads of checked settings. An upstream that `previous` has with the same configuration is
/// taken over with all it has learned.
/// @return errors of certificates and upstreams; nothing has changed then
[[nodiscard]] Result<std::shared_ptr<const gateway::Snapshot>> make_plan(
    const Settings& settings, PlanParts& parts, const gateway::Snapshot* previous, SystemTime now);

/// The hosts that are ours where `allowed_hosts` does not say: localhost, loopback, this machine's name and the
/// addresses that listeners are bound to.
[[nodiscard]] std::vector<std::string> default_hosts(const Settings& settings);

}  // namespace gh::app
