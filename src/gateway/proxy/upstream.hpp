#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "balance/balancer.hpp"
#include "balance/circuit_breaker.hpp"
#include "balance/retry_budget.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "gateway/config.hpp"
#include "net/address.hpp"
#include "net/stream.hpp"
#include "net/tls_client_context.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::gateway::proxy {

/// What an exchange may take, the route's wishes laid over the upstream's.
struct Timeouts {
    milliseconds connect, response, idle, tunnel_idle;
    std::optional<milliseconds> total;
};

/// One endpoint with its current addresses. Names are resolved off the request path; requests read what is known.
struct Target {
    EndpointConfig config;
    std::string text;       ///< "http://127.0.0.1:8000"
    std::string authority;  ///< for Host, where the gateway itself asks
    std::shared_ptr<balance::Endpoint> endpoint;

    /// The address to dial next, turning over those that the name has; nothing while it is not resolved.
    [[nodiscard]] std::optional<net::Address> address();
    void set_addresses(std::vector<net::Address> addresses);

 private:
    std::mutex mutex_;  // taken when dialling, never for a request on a kept connection
    std::vector<net::Address> addresses_;
    std::size_t next_ = 0;
};

/// A connection to one target, with the place it takes in the upstream's allowance.
struct Connection {
    std::unique_ptr<net::Stream> stream;
    Target* target = nullptr;
    balance::ConnectionAllowance::Place place;
    SteadyTime idle_since;
    std::uint32_t requests = 0;
};

class Upstream;

/// One worker's kept connections to one upstream and those who wait for one. That worker's thread only.
class Pool {
 public:
    /// The most recently used connection to `target` that is still open, or nothing.
    [[nodiscard]] std::unique_ptr<Connection> take(const Target& target);
    void put(std::unique_ptr<Connection> connection, SteadyTime now);
    /// Closes those idle for longer than `idle_max` and those the upstream has closed.
    void sweep(SteadyTime now, std::chrono::nanoseconds idle_max);
    /// Gives one place back, for a worker that has none. @return false when nothing is idle
    bool drop_one();
    void clear() { idle_.clear(); }
    [[nodiscard]] std::size_t idle() const { return idle_.size(); }

    /// Requests of this worker that wait for a place in the allowance, in order.
    std::vector<net::Wakeup*> waiting;

 private:
    std::vector<std::unique_ptr<Connection>> idle_;  // oldest first
};

/// Somebody we speak for: endpoints, what is known of their health, and how much they may be asked. Shared by all workers;
/// an upstream whose configuration a reload leaves alone stays the same object, with all it has learned.
class Upstream {
 public:
    struct Metrics {
        telemetry::Family<telemetry::Counter>& requests;        // upstream, result
        telemetry::Family<telemetry::Counter>& connects;        // upstream, result
        telemetry::Family<telemetry::Counter>& circuit_opened;  // upstream
    };

    /// @param workers  how many pools
    /// @return `invalid_argument` of the TLS settings
    [[nodiscard]] static Result<std::shared_ptr<Upstream>> make(const UpstreamConfig& config,
                                                                std::size_t workers,
                                                                const Metrics& metrics);

    [[nodiscard]] const UpstreamConfig& config() const { return config_; }
    [[nodiscard]] std::vector<std::unique_ptr<Target>>& targets() { return targets_; }
    [[nodiscard]] Target& target_of(const balance::Endpoint& endpoint);
    [[nodiscard]] Pool& pool(std::size_t worker) { return pools_[worker]; }
    [[nodiscard]] const net::TlsClientContext* tls() const { return tls_.get(); }

    balance::Balancer& balancer() { return *balancer_; }
    balance::CircuitBreaker& breaker() { return breaker_; }
    balance::RetryBudget& retries() { return retries_; }
    balance::ConnectionAllowance& connections() { return connections_; }

    /// A reload left this upstream out: kept connections are closed, returned ones too, checks end.
    void retire() { retired_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool retired() const { return retired_.load(std::memory_order_relaxed); }

    /// How many requests wait for a connection, over all workers.
    std::atomic<std::uint32_t> pending = 0;

    telemetry::Counter& answered;
    telemetry::Counter& failed;
    telemetry::Counter& rejected;  ///< by the open circuit
    telemetry::Counter& connected;
    telemetry::Counter& connect_failed;
    telemetry::Counter& circuit_opened;

    Upstream(const UpstreamConfig& config, std::size_t workers, const Metrics& metrics,
             std::shared_ptr<const net::TlsClientContext> tls);

 private:
    const UpstreamConfig config_;
    std::vector<std::unique_ptr<Target>> targets_;
    std::unique_ptr<balance::Balancer> balancer_;
    balance::CircuitBreaker breaker_;
    balance::RetryBudget retries_;
    balance::ConnectionAllowance connections_;
    std::shared_ptr<const net::TlsClientContext> tls_;
    std::vector<Pool> pools_;
    std::atomic<bool> retired_ = false;
};

}  // namespace gh::gateway::proxy
