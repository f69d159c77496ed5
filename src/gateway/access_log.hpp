#pragma once

#include "gateway/exchange.hpp"

namespace gh::gateway {

/// Closes an exchange when the last byte of its answer has left: counts it and writes its line.
void close_exchange(Exchange& exchange);

}  // namespace gh::gateway
