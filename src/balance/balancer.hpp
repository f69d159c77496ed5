#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "balance/endpoint_health.hpp"
#include "base/clock.hpp"

namespace gh::balance {

/// One address of an upstream, with what all workers share about it. Kept over a change of the
/// list, by name.
struct Endpoint {
    Endpoint(std::string endpoint_name, const EndpointHealthOptions& options);

    const std::string name;  ///< unique within the upstream: "http://10.0.0.7:8000"
    const std::uint64_t
        name_hash;  ///< the same in every process, so that gateways side by side agree
    EndpointHealth health;
    std::atomic<std::uint32_t> in_flight = 0;
};

enum class Policy : std::uint8_t { round_robin, least_requests, hash };

/// What a request is balanced by under Policy::hash: the header's value, the client's address. The
/// same in every process.
[[nodiscard]] std::uint64_t affinity_of(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::uint64_t affinity_of(std::string_view text);

/// A request on its way to an endpoint; counted in flight until destroyed.
class Lease {
 public:
    Lease() = default;
    explicit Lease(std::shared_ptr<Endpoint> endpoint);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&& other) noexcept {
        std::swap(endpoint_, other.endpoint_);
        return *this;
    }
    ~Lease();

    [[nodiscard]] Endpoint& endpoint() const { return *endpoint_; }
    explicit operator bool() const { return endpoint_ != nullptr; }

 private:
    std::shared_ptr<Endpoint> endpoint_;
};

/// Chooses among the endpoints of one upstream. An immutable list: a change of endpoints makes a
/// new Balancer over the Endpoints that stay. Safe from any thread.
class Balancer {
 public:
    static constexpr std::size_t endpoints_max = 256;

    /// @param endpoints  at most endpoints_max; those beyond are not used
    Balancer(Policy policy, std::vector<std::shared_ptr<Endpoint>> endpoints);

    /// Unhealthy endpoints are skipped; a lone endpoint is not ejected for refused connections,
    /// since there is nobody else to ask and the circuit breaker watches over it.
    ///
    /// @param affinity  for Policy::hash; nothing: this request goes round robin
    /// @param avoid     the endpoint that just failed; taken only when no other is healthy
    /// @return an empty lease when all are unhealthy
    [[nodiscard]] Lease pick(SteadyTime now, std::optional<std::uint64_t> affinity = {},
                             const Endpoint* avoid = nullptr);

    [[nodiscard]] std::span<const std::shared_ptr<Endpoint>> endpoints() const {
        return endpoints_;
    }
    /// For `/health/ready` and metrics.
    [[nodiscard]] std::size_t healthy_count(SteadyTime now) const;

 private:
    [[nodiscard]] bool usable(const Endpoint& endpoint, SteadyTime now) const;
    [[nodiscard]] std::size_t next_in_turn(SteadyTime now, const Endpoint* avoid);
    [[nodiscard]] std::size_t least_requests(SteadyTime now, const Endpoint* avoid);
    [[nodiscard]] std::size_t nearest(SteadyTime now, std::uint64_t affinity,
                                      const Endpoint* avoid) const;

    Policy policy_;
    std::vector<std::shared_ptr<Endpoint>> endpoints_;
    std::atomic<std::uint32_t> turn_ = 0;
};

/// `connections_max` of one upstream over all workers.
class ConnectionAllowance {
 public:
    class Place {
     public:
        Place() = default;
        Place(Place&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
        Place& operator=(Place&& other) noexcept {
            std::swap(owner_, other.owner_);
            return *this;
        }
        ~Place() {
            if (owner_ != nullptr) owner_->open_.fetch_sub(1, std::memory_order_relaxed);
        }
        explicit operator bool() const { return owner_ != nullptr; }

     private:
        friend class ConnectionAllowance;
        explicit Place(ConnectionAllowance* owner) : owner_(owner) {}
        ConnectionAllowance* owner_ = nullptr;
    };

    explicit ConnectionAllowance(std::uint32_t connections_max)
        : connections_max_(connections_max) {}
    /// An empty place: all are taken.
    [[nodiscard]] Place take();
    [[nodiscard]] std::uint32_t open() const { return open_.load(std::memory_order_relaxed); }
    void set_connections_max(std::uint32_t connections_max) {
        connections_max_.store(connections_max, std::memory_order_relaxed);
    }

 private:
    std::atomic<std::uint32_t> connections_max_;
    std::atomic<std::uint32_t> open_ = 0;
};

}  // namespace gh::balance
