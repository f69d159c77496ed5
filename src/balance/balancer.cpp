#include "balance/balancer.hpp"

#include <algorithm>
#include <limits>

#include "base/keyed_hash.hpp"

namespace gh::balance {
namespace {

constexpr std::size_t nobody = std::numeric_limits<std::size_t>::max();

/// A fixed key: gateways side by side send the same client to the same endpoint.
constexpr KeyedHash affinity_hash(0x6761746568757365, 0x62616c616e636572);

/// How strongly a request is drawn to an endpoint (rendezvous hashing): uniform for each pair, so
/// each endpoint draws an equal share, and one that goes or comes moves its own share only.
std::uint64_t pull(std::uint64_t affinity, std::uint64_t name_hash) {
    auto value = affinity ^ name_hash;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

Endpoint::Endpoint(std::string endpoint_name, const EndpointHealthOptions& options)
    : name(std::move(endpoint_name)), name_hash(affinity_of(name)), health(options) {}

std::uint64_t affinity_of(std::span<const std::uint8_t> bytes) { return affinity_hash(bytes).low; }

std::uint64_t affinity_of(std::string_view text) { return affinity_hash(text).low; }

Lease::Lease(std::shared_ptr<Endpoint> endpoint) : endpoint_(std::move(endpoint)) {
    endpoint_->in_flight.fetch_add(1, std::memory_order_relaxed);
}

Lease::~Lease() {
    if (endpoint_) endpoint_->in_flight.fetch_sub(1, std::memory_order_relaxed);
}

Balancer::Balancer(Policy policy, std::vector<std::shared_ptr<Endpoint>> endpoints)
    : policy_(policy), endpoints_(std::move(endpoints)) {
    if (endpoints_.size() > endpoints_max) endpoints_.resize(endpoints_max);
}

Lease Balancer::pick(SteadyTime now, std::optional<std::uint64_t> affinity, const Endpoint* avoid) {
    const auto choose = [&](const Endpoint* shunned) {
        if (policy_ == Policy::least_requests) return least_requests(now, shunned);
        if (policy_ == Policy::hash && affinity) return nearest(now, *affinity, shunned);
        return next_in_turn(now, shunned);
    };
    auto chosen = choose(avoid);
    if (chosen == nobody && avoid != nullptr) chosen = choose(nullptr);
    return chosen == nobody ? Lease() : Lease(endpoints_[chosen]);
}

std::size_t Balancer::healthy_count(SteadyTime now) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        endpoints_, [&](const auto& endpoint) { return usable(*endpoint, now); }));
}

bool Balancer::usable(const Endpoint& endpoint, SteadyTime now) const {
    return endpoints_.size() == 1 ? endpoint.health.checked_healthy()
                                  : endpoint.health.healthy(now);
}

std::size_t Balancer::next_in_turn(SteadyTime now, const Endpoint* avoid) {
    const auto count = endpoints_.size();
    // Each step takes a turn of its own, so that the one after an unhealthy endpoint does not get
    // its share as well.
    for (std::size_t step = 0; step < count; ++step) {
        const auto index = turn_.fetch_add(1, std::memory_order_relaxed) % count;
        const auto& endpoint = *endpoints_[index];
        if (&endpoint != avoid && usable(endpoint, now)) return index;
    }
    // Turns that other workers took in between may have hidden the healthy ones.
    for (std::size_t index = 0; index < count; ++index) {
        if (endpoints_[index].get() != avoid && usable(*endpoints_[index], now)) return index;
    }
    return nobody;
}

std::size_t Balancer::least_requests(SteadyTime now, const Endpoint* avoid) {
    const auto count = endpoints_.size();
    if (count == 0) return nobody;
    const auto start = turn_.fetch_add(1, std::memory_order_relaxed) % count;  // equals take turns
    auto best = nobody;
    auto least = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t step = 0; step < count; ++step) {
        const auto index = (start + step) % count;
        const auto& endpoint = *endpoints_[index];
        const auto in_flight = endpoint.in_flight.load(std::memory_order_relaxed);
        if (&endpoint == avoid || in_flight >= least || !usable(endpoint, now)) continue;
        best = index;
        least = in_flight;
    }
    return best;
}

std::size_t Balancer::nearest(SteadyTime now, std::uint64_t affinity, const Endpoint* avoid) const {
    auto best = nobody;
    std::uint64_t strongest = 0;
    for (std::size_t index = 0; index < endpoints_.size(); ++index) {
        const auto& endpoint = *endpoints_[index];
        const auto strength = pull(affinity, endpoint.name_hash);
        if (&endpoint == avoid || !usable(endpoint, now)) continue;
        if (best != nobody && strength <= strongest) continue;
        best = index;
        strongest = strength;
    }
    return best;
}

ConnectionAllowance::Place ConnectionAllowance::take() {
    auto open = open_.load(std::memory_order_relaxed);
    do {
        if (open >= connections_max_.load(std::memory_order_relaxed)) return {};
    } while (!open_.compare_exchange_weak(open, open + 1, std::memory_order_relaxed));
    return Place(this);
}

}  // namespace gh::balance
