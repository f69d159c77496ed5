#pragma once

#include <functional>
#include <memory>

#include "app/health.hpp"
#include "gateway/snapshot.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// Registers the numbers that are known only when asked: circuits, endpoints, connections to upstreams, certificates, and
/// what the kernel says of this process.
/// @param snapshot  the one of the moment; called on the scraping thread
void collect_states(telemetry::Registry& registry,
                    std::function<std::shared_ptr<const gateway::Snapshot>()> snapshot);

/// And those of health: 1 for the state each check is in, and whether nothing that is required is unhealthy.
/// @param health  called on the scraping thread
void collect_health(telemetry::Registry& registry, std::function<HealthReport()> health);

}  // namespace gh::app
