#pragma once

#include <cstddef>

#include "access/revocable.hpp"
#include "gateway/worker.hpp"

namespace gh::gateway {

/// Open exchanges of a principal on one worker: requests, streams, tunnels. On that worker's thread.
[[nodiscard]] std::size_t count_open(const Worker& worker, const access::Target& target);
/// The same, and ends those that nobody has ended yet.
[[nodiscard]] std::size_t end_open(Worker& worker, const access::Target& target);

}  // namespace gh::gateway
