#pragma once

#include <functional>
#include <string_view>

#include "api/route.hpp"
#include "app/health.hpp"

namespace gh::app {

/// What our health pages call us.
inline constexpr std::string_view service_name = "api_gateway";

/// GET /health/ready: states in words, for anybody: no address, no error text. 503 when something that is required is
/// unhealthy.
[[nodiscard]] api::Route readiness_route(std::function<HealthReport()> health);

/// GET /api/v1/health: the same for who may know why.
[[nodiscard]] api::Route health_details_route(std::function<HealthReport()> health);

}  // namespace gh::app
