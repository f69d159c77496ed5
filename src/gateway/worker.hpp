#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "access/authenticator.hpp"
#include "access/call_budget.hpp"
#include "access/certificate_revocations.hpp"
#include "access/connection_budget.hpp"
#include "access/http_proofs.hpp"
#include "access/rate_limiter.hpp"
#include "access/revocations.hpp"
#include "access/witness.hpp"
#include "gateway/exchange.hpp"
#include "gateway/pipeline.hpp"
#include "net/loop.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/trace.hpp"

namespace gh::gateway {

struct Worker;

/// What all workers share, made by the composition root and alive until the last of them has ended.
struct Services {
    access::RateLimiter& limiter;
    access::ConnectionBudget& connections;
    telemetry::Log& log;
    telemetry::LogSink* access_log;  ///< null: none is kept
    struct Counters {
        telemetry::Counter& rate_limited;
        telemetry::Counter& auth_refused;
        telemetry::Counter& connections_accepted;
        telemetry::Counter& connections_refused;
        telemetry::Counter&
            connections_failed;  ///< accepted, and given up for a fault of ours or the system's
        telemetry::Gauge& connections_open;
        telemetry::Counter& handshakes_failed;
        telemetry::Counter& retries;
    } count;
    std::vector<Worker*> workers;  ///< filled before the first of them runs
    const access::CertificateRevocations* revoked_certificates = nullptr;  ///< null: none ever is
    const access::HttpProofs* proofs = nullptr;  ///< of http-01; null: there are none
    const telemetry::Tracer* tracer = nullptr;   ///< null: traces are passed on, not recorded
    access::Witness* witness = nullptr;          ///< null: nobody looks for attacks
    access::CallBudget* agent_calls = nullptr;   ///< null: agents call as often as they like
};

/// One thread of the request path and all that is its own.
struct Worker {
    Worker(std::size_t number, Services& house);

    net::Loop loop;
    std::size_t index;
    Services& services;
    std::shared_ptr<const Snapshot> snapshot;  // swapped between two turns
    std::unique_ptr<access::Authenticator> authenticator;
    Pipeline pipeline;
    std::vector<std::unique_ptr<Exchange>> spare_exchanges;
    std::size_t exchanges_open = 0;
    std::size_t connections_open = 0;
    std::size_t waiting = 0;  ///< exchanges that wait for a credential to be looked up
    Exchange* first_held =
        nullptr;  ///< open exchanges whose principal or certificate can be revoked
    bool draining = false;

    [[nodiscard]] std::unique_ptr<Exchange> take_exchange();
    void give_back(std::unique_ptr<Exchange> exchange);

    /// Until the exchange ends, end_revoked() and end_uncertified() look at it.
    void hold(Exchange& exchange);
    void let_go(Exchange& exchange);
    /// Ends the open exchanges of principals that have been revoked; how many.
    std::size_t end_revoked(const access::Revocations& revocations);
    /// Ends those of clients whose certificate is good no more; how many.
    std::size_t end_uncertified();
};

}  // namespace gh::gateway
