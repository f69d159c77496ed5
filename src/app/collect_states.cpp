#include "app/collect_states.hpp"

#include <utility>

#include "export/process_metrics.hpp"

namespace gh::app {
namespace {

using gateway::proxy::Upstream;
using telemetry::Samples;

void circuit_states(Samples& samples, Upstream& upstream) {
    using balance::BreakerState;
    for (const auto state : {BreakerState::closed, BreakerState::open, BreakerState::half_open}) {
        samples.add({upstream.config().name, balance::name_of(state)},
                    upstream.breaker().state() == state ? 1 : 0);
    }
}

void healthy_endpoints(Samples& samples, Upstream& upstream) {
    const auto now = std::chrono::steady_clock::now();
    samples.add({upstream.config().name},
                static_cast<double>(upstream.balancer().healthy_count(now)));
}

void open_connections(Samples& samples, Upstream& upstream) {
    samples.add({upstream.config().name}, upstream.connections().open());
}

void certificate_ends(Samples& samples, const gateway::Snapshot& snapshot) {
    for (const auto& listener : snapshot.listeners) {
        if (!listener.tls) continue;
        const auto ends = listener.tls->not_after().time_since_epoch();
        samples.add({listener.config.name},
                    static_cast<double>(std::chrono::duration_cast<seconds>(ends).count()));
    }
}

}  // namespace

void collect_states(telemetry::Registry& registry,
                    std::function<std::shared_ptr<const gateway::Snapshot>()> snapshot) {
    const auto of_upstreams = [&](telemetry::Description description,
                                  void (*report)(Samples&, Upstream&)) {
        registry.collect(std::move(description), telemetry::MetricType::gauge,
                         [snapshot, report](Samples& samples) {
                             for (const auto& each : snapshot()->upstreams) report(samples, *each);
                         });
    };
    of_upstreams({.name = "gatehouse_circuit_state",
                  .help = "1 for the state the circuit breaker is in: closed, open, half_open.",
                  .labels = {"upstream", "state"}},
                 circuit_states);
    of_upstreams({.name = "gatehouse_upstream_endpoints_healthy",
                  .help = "Endpoints that requests are sent to.",
                  .labels = {"upstream"}},
                 healthy_endpoints);
    of_upstreams({.name = "gatehouse_upstream_connections_open",
                  .help = "Connections to the upstream, kept ones included.",
                  .labels = {"upstream"}},
                 open_connections);
    registry.collect({.name = "gatehouse_certificate_not_after_seconds",
                      .help = "When a listener's first certificate ends, in seconds since 1970.",
                      .labels = {"listener"}},
                     telemetry::MetricType::gauge,
                     [snapshot](Samples& samples) { certificate_ends(samples, *snapshot()); });
    exporting::add_process_metrics(registry);
}

void collect_health(telemetry::Registry& registry, std::function<HealthReport()> health) {
    using Status = CheckState::Status;
    registry.collect(
        {.name = "gatehouse_health_check_state",
         .help = "1 for the state the check is in: healthy, degraded, unhealthy.",
         .labels = {"check", "state"}},
        telemetry::MetricType::gauge, [health](Samples& samples) {
            for (const auto& [name, found] : health().checks) {
                for (const auto each : {Status::healthy, Status::degraded, Status::unhealthy})
                    samples.add({name, name_of(each)}, found.status == each ? 1 : 0);
            }
        });
    registry.collect({.name = "gatehouse_ready",
                      .help = "1: nothing that is required is unhealthy.",
                      .labels = {}},
                     telemetry::MetricType::gauge,
                     [health](Samples& samples) { samples.add(health().ready() ? 1 : 0); });
}

}  // namespace gh::app
