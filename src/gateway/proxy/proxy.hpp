#pragma once

#include "base/task.hpp"
#include "gateway/exchange.hpp"

namespace gh::gateway::proxy {

/// Has the route's upstream answer the exchange: picks an endpoint, sends the request, passes the answer on; tries again
/// where that is safe. Every failure becomes an answer of ours, or the client sees its connection cut.
[[nodiscard]] Task<> forward(Exchange& exchange);

}  // namespace gh::gateway::proxy
