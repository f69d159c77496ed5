#pragma once

#include <string_view>

#include "gateway/exchange.hpp"

namespace gh::gateway::proxy {

/// Whether a field of the client goes on to the upstream. What ends at this hop does not (RFC 9110 §7.6.1), nor what only
/// we may say, nor what proxies say of a request (X-Real-IP, X-Forwarded-*) unless a trusted one is our peer, nor another
/// spelling of a name that means something to us: programs that turn names into variables (CGI, WSGI) read X_User and
/// X.User as X-User, so that theirs would stand beside ours or beside what we judged.
[[nodiscard]] bool goes_on(const Exchange& exchange, const http::Field& field);

/// Those of the client's trailers that go on: no more than a head may carry, and only what may come late (§6.5.1).
[[nodiscard]] http::Fields trailers_that_go_on(const Exchange& exchange);

/// Whether the two become the same variable: case does not matter, and whatever is no letter or digit is alike.
[[nodiscard]] bool is_same_variable(std::string_view a, std::string_view b);

}  // namespace gh::gateway::proxy
