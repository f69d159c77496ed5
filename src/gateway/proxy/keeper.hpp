#pragma once

#include <memory>

#include "base/task.hpp"
#include "gateway/proxy/upstream.hpp"
#include "net/loop.hpp"
#include "net/resolver.hpp"
#include "telemetry/log.hpp"

namespace gh::gateway::proxy {

/// Looks after one upstream until it is retired: resolves its names again and again, and asks its endpoints how they are.
/// Runs on one loop, beside the requests.
void keep_upstream(std::shared_ptr<Upstream> upstream, net::Loop& loop, net::Resolver& resolver,
                   telemetry::Log& log);

/// Looks after one worker's kept connections to it: closes those that were idle for long or that the upstream has closed,
/// and all of them once it is retired. Runs on that worker's loop.
void keep_pool(std::shared_ptr<Upstream> upstream, std::size_t worker, net::Loop& loop);

}  // namespace gh::gateway::proxy
