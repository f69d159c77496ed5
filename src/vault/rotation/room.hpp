#pragma once

#include <vector>

#include "api/route.hpp"
#include "vault/room.hpp"
#include "vault/rotation/repository.hpp"

namespace gh::vault::rotation {

/// What the routes of rotations work with. Outlives them.
struct RotationRoom {
    Room& vault;
    Repository& rotations;
};

/// /api/v1/secrets/rotations: rules, and how far each is. Every write is in the audit log, or it does not happen.
[[nodiscard]] std::vector<api::Route> rule_routes(RotationRoom& room);
/// /api/v1/secrets/rotation-runs and /api/v1/secrets/consumers: what was tried, who reads, and what somebody wants now.
[[nodiscard]] std::vector<api::Route> history_routes(RotationRoom& room);

}  // namespace gh::vault::rotation
