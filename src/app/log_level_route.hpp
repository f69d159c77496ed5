#pragma once

#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "telemetry/log.hpp"

namespace gh::app {

/// What the routes of the log level change, and where that is recorded. Outlives them.
struct LogLevelRoom {
    telemetry::Log& log;
    audit::Log& audit;
};

/// GET and PUT /api/v1/log-level: the threshold of the server log, until the next reload or start.
[[nodiscard]] std::vector<api::Route> log_level_routes(LogLevelRoom& room);

}  // namespace gh::app
