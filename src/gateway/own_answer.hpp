#pragma once

#include "base/task.hpp"
#include "gateway/exchange.hpp"

namespace gh::gateway {

/// Answers with the handler of the exchange's own route: reads the body it takes first, whole, and refuses what it does
/// not. However steadily it comes, all of it must be there within twice the `body_idle_timeout`, since it is held in memory
/// meanwhile. A handler's error becomes a problem document; its detail becomes a log line where the fault is ours.
[[nodiscard]] Task<> answer_ourselves(Exchange& exchange);

}  // namespace gh::gateway
