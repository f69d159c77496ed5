#pragma once

#include "api/route.hpp"
#include "storage/database.hpp"

namespace gh::app {

/// GET /db/pool: how the connections to the database fare.
/// @param database  outlives the route
[[nodiscard]] api::Route pool_route(const storage::Database& database);

}  // namespace gh::app
