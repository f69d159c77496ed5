#include "app/health_facts.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>

namespace gh::app {
namespace {

using Status = CheckState::Status;

CheckState check_of(gateway::proxy::Upstream& upstream, SteadyTime now) {
    const auto circuit = upstream.breaker().state();
    const auto well = upstream.balancer().healthy_count(now);
    const auto all = upstream.balancer().endpoints().size();
    const bool resting = upstream.breaker().resting(now);
    CheckState state{.dependency = Dependency::upstreams};
    state.circuit = std::string(balance::name_of(circuit));
    if (well == 0 || resting) {
        state.status = Status::unhealthy;
    } else if (well < all || circuit != balance::BreakerState::closed) {
        state.status = Status::degraded;
    } else {
        return state;
    }
    state.why = fmt::format("{} of {} endpoints answer, the circuit is {}", well, all,
                            balance::name_of(circuit));
    return state;
}

/// Whatever is served, nothing goes without encryption for want of a certificate.
CheckState check_of(pki::acme_client::ServedState served) {
    CheckState state{.dependency = Dependency::certificate};
    state.served = std::string(name_of(served));
    if (served == pki::acme_client::ServedState::valid) return state;
    state.status = Status::degraded;
    state.why = "the CA gives no certificate: the log says why";
    return state;
}

}  // namespace

CheckState check_of(const StorageState& storage) {
    CheckState state{.dependency = Dependency::database};
    state.backlog = static_cast<std::int64_t>(storage.backlog);
    state.backlog_age_seconds = storage.oldest.count();
    if (!storage.answers) {
        state.status = Status::unhealthy;
        state.why = "the database does not answer, or has not our schema: the log says why";
    } else if (storage.damaged) {
        state.status = Status::degraded;
        state.why = "the check at the start found the file damaged";
    } else if (storage.backlog > 0) {
        state.status = Status::degraded;
        state.why = fmt::format("{} writes wait in the journal", storage.backlog);
    }
    return state;
}

CheckStates known_states(std::span<const std::shared_ptr<gateway::proxy::Upstream>> upstreams,
                         std::optional<pki::acme_client::ServedState> served) {
    const auto now = std::chrono::steady_clock::now();
    CheckStates states;
    for (const auto& upstream : upstreams)
        states.emplace("upstream:" + upstream->config().name, check_of(*upstream, now));
    if (served) states.emplace(name_of(Dependency::certificate), check_of(*served));
    return states;
}

}  // namespace gh::app
