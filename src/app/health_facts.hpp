#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "app/health.hpp"
#include "base/clock.hpp"
#include "gateway/proxy/upstream.hpp"
#include "pki/acme_client/client.hpp"

// What is known of Gatehouse's needs without asking anybody, as checks.

namespace gh::app {

/// How the database fares.
struct StorageState {
    bool answers = true;
    std::uint64_t backlog = 0;  ///< writes that wait for it in the journal
    seconds oldest{0};          ///< how long the first of them has waited
    bool damaged = false;       ///< the check at the start says so
};

[[nodiscard]] CheckState check_of(const StorageState& storage);

/// Of each upstream as "upstream:NAME", and of the certificate that a CA gives.
/// @param served  nothing: no listener wants one
[[nodiscard]] CheckStates known_states(
    std::span<const std::shared_ptr<gateway::proxy::Upstream>> upstreams,
    std::optional<pki::acme_client::ServedState> served);

}  // namespace gh::app
