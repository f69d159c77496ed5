#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/route.hpp"

namespace gh::api {

/// The OpenAPI 3.1 document of these routes: paths, parameters, bodies, answers, what credentials they want, and the
/// schemas of everything that has a name.
[[nodiscard]] std::string openapi_document(std::span<const Route> routes, std::string_view version);

}  // namespace gh::api
