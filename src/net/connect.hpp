#pragma once

#include <memory>

#include "base/error.hpp"
#include "base/task.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"
#include "net/socket_stream.hpp"
#include "net/ssl_context.hpp"
#include "net/tls_stream.hpp"

// Connections that the house makes for one question, until the wakeup expires.

namespace gh::net {

/// @return a stream that wakes `wakeup`; `deadline_exceeded` "fetch.timeout", `unavailable` "fetch.connect"
[[nodiscard]] Task<Result<std::unique_ptr<SocketStream>>> connect(Loop& loop, Wakeup& wakeup,
                                                                  Address address);
/// TLS over it.
/// @return `deadline_exceeded` "fetch.timeout", `unavailable` "fetch.tls"
[[nodiscard]] Task<Result<std::unique_ptr<TlsStream>>> shake_hands(
    Loop& loop, Wakeup& wakeup, std::unique_ptr<SocketStream> plain, SslHandle session);

}  // namespace gh::net
