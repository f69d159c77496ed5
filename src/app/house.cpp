#include "app/house.hpp"

#include <pthread.h>

#include "app/machine.hpp"
#include "gateway/standard_pipeline.hpp"

namespace gh::app {

Crew::Crew(std::size_t index, gateway::Services& services, const identity::TrustSource& trust,
           IdentityHouse& identity)
    : worker(index, services), server(worker) {
    worker.authenticator = identity.authenticator(trust, worker.loop);
    worker.pipeline = gateway::standard_pipeline(services, *worker.authenticator);
}

void Crew::start() {
    thread = std::jthread([this] {
        telemetry::set_shard(worker.index + 1);
        worker.loop.run();
    });
    ::pthread_setname_np(thread.native_handle(),
                         ("worker-" + std::to_string(worker.index)).c_str());
}

std::vector<const net::Loop*> loops_of(std::span<const std::unique_ptr<Crew>> crews) {
    std::vector<const net::Loop*> loops;
    for (const auto& crew : crews) loops.push_back(&crew->worker.loop);
    return loops;
}

void end_what_is_revoked(identity::RevocationSource& revocations,
                         pki::RevokedCertificates& certificates,
                         std::span<const std::unique_ptr<Crew>> crews) {
    std::vector<std::pair<std::shared_ptr<net::Mailbox>, gateway::Worker*>> workers;
    for (const auto& crew : crews) workers.emplace_back(crew->worker.loop.mailbox(), &crew->worker);
    revocations.on_change([&revocations, workers] {
        for (const auto& [mailbox, worker] : workers)
            mailbox->post([&revocations, worker] { (void)worker->end_revoked(revocations); });
    });
    certificates.on_change([workers = std::move(workers)] {
        for (const auto& [mailbox, worker] : workers)
            mailbox->post([worker] { (void)worker->end_uncertified(); });
    });
}

gateway::Services::Counters make_counters(telemetry::Registry& registry) {
    return {
        .rate_limited =
            registry.one_counter("gatehouse_rate_limited_total", "Requests refused with 429."),
        .auth_refused = registry.one_counter("gatehouse_auth_refused_total",
                                             "Requests refused with 401 for their credentials."),
        .connections_accepted = registry.one_counter("gatehouse_connections_accepted_total",
                                                     "Client connections accepted."),
        .connections_refused =
            registry.one_counter("gatehouse_connections_refused_total",
                                 "Client connections closed because a limit was reached."),
        .connections_failed =
            registry.one_counter("gatehouse_connections_failed_total",
                                 "Client connections given up for want of memory or descriptors."),
        .connections_open =
            registry.one_gauge("gatehouse_connections_open", "Client connections open now."),
        .handshakes_failed = registry.one_counter("gatehouse_tls_handshakes_failed_total",
                                                  "TLS handshakes that did not complete."),
        .retries = registry.one_counter("gatehouse_upstream_retries_total",
                                        "Requests sent to an upstream again."),
    };
}

gateway::proxy::Upstream::Metrics make_upstream_metrics(telemetry::Registry& registry) {
    return {
        .requests = registry.counter(
            {.name = "gatehouse_upstream_requests_total",
             .help = "Attempts by result: answered, failed, or rejected by the open circuit.",
             .labels = {"upstream", "result"}}),
        .connects = registry.counter({.name = "gatehouse_upstream_connects_total",
                                      .help = "Connections to upstreams by result.",
                                      .labels = {"upstream", "result"}}),
        .circuit_opened = registry.counter({.name = "gatehouse_circuit_opened_total",
                                            .help = "How often a circuit breaker has opened.",
                                            .labels = {"upstream"}}),
    };
}

void warn_of_connections_held(std::uint32_t wanted, const access::ConnectionBudget& budget,
                              telemetry::Log& log) {
    if (wanted <= budget.capacity()) return;
    const auto carried =
        access::connections_within(wanted, descriptors_max(), descriptors_reserved);
    const bool descriptors_suffice = carried && *carried > budget.capacity();
    log.warning("net", descriptors_suffice
                           ? "limits.connections_max stays at what the start made room for; "
                             "restart to raise it"
                           : "limits.connections_max stays at what the file-descriptor limit "
                             "carries; raise that (LimitNOFILE, ulimit -n) and restart")
        .field("wanted", wanted)
        .field("connections_max", budget.capacity());
}

}  // namespace gh::app
