#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "app/health.hpp"
#include "net/config.hpp"
#include "net/work_pool.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// What our own answers are made of. Outlives the routes.
struct OwnFacts {
    const telemetry::Registry& registry;
    /// How what Gatehouse needs is; called on a worker.
    std::function<HealthReport()> health;
    SystemTime started;
    std::string environment;
    std::string release;
    std::vector<api::Route> rooms =
        {};  ///< the tables of the control plane's rooms, one behind the other
    /// Where pages are written that would hold a worker up.
    std::shared_ptr<net::WorkPool> pages = std::make_shared<net::WorkPool>(
        net::WorkPool::Options{.threads = 1, .queue_max = 16, .name = "metrics"});
};

/// The paths that answer on a listener which serves `service`; none for the gateway itself. Those of `api` are listed by
/// the OpenAPI document among them.
[[nodiscard]] std::vector<api::Route> own_routes(net::Service service, const OwnFacts& facts);

}  // namespace gh::app
