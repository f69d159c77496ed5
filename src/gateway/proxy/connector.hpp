#pragma once

#include <expected>
#include <memory>

#include "base/task.hpp"
#include "gateway/exchange.hpp"
#include "gateway/proxy/upstream.hpp"

namespace gh::gateway::proxy {

enum class ConnectFailure : unsigned char {
    refused,  // not resolved, not reached, or its certificate was not believed
    timeout,
    exhausted,  // all connections are taken and nobody gave one back in time
    client_gone,
};

using Connected = std::expected<std::unique_ptr<Connection>, ConnectFailure>;

/// A kept connection to the target, or a new one, within the connect timeout.
/// @param fresh  do not use a kept one: it has just proved stale
[[nodiscard]] Task<Connected> connect(Exchange& exchange, Upstream& upstream, Target& target,
                                      bool fresh);

/// Puts a connection by for the next request, or closes it and lets somebody else have its place.
void give_back(Worker& worker, Upstream& upstream, std::unique_ptr<Connection> connection,
               bool reusable);

}  // namespace gh::gateway::proxy
