#pragma once

#include <optional>

#include "access/witness.hpp"
#include "gateway/exchange.hpp"

namespace gh::gateway {

/// What an exchange that ends was, if an attack may be made of such.
/// @param status  that was answered; 0: none
[[nodiscard]] std::optional<access::Incident> incident_of(const Exchange& exchange,
                                                          unsigned status);

}  // namespace gh::gateway
