#pragma once

#include <string>

#include "gateway/exchange.hpp"

namespace gh::gateway::proxy {

/// Appends the head that the upstream receives: the client's without what ends at this hop and without what only we may
/// say, then who asks and on whose behalf (X-Forwarded-*, RFC 7239 Forwarded, X-Gatehouse-*, ids, the route's own).
void append_upstream_head(std::string& out, Exchange& exchange, const http::BodyFraming& body);

}  // namespace gh::gateway::proxy
