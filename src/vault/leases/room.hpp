#pragma once

#include <vector>

#include "api/route.hpp"
#include "vault/leases/lessor.hpp"
#include "vault/leases/repository.hpp"
#include "vault/room.hpp"

namespace gh::vault::leases {

/// What the routes of leases work with. Outlives them.
struct LeaseRoom {
    Room& vault;
    Repository& leases;
    Lessor& lessor;
};

/// /v1/database: connections, roles, and credentials that are made for who asks.
[[nodiscard]] std::vector<api::Route> database_routes(LeaseRoom& room);
/// /v1/sys/leases: how long they last, and their end.
[[nodiscard]] std::vector<api::Route> lease_routes(LeaseRoom& room);

}  // namespace gh::vault::leases
