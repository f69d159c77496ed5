#pragma once

#include <chrono>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "crypto/x509.hpp"
#include "net/address.hpp"
#include "net/loop.hpp"

namespace gh::net {

/// Which certificate a server is to show.
struct ShowRequest {
    Address address;
    std::string server_name;
    std::string protocol;  ///< the one ALPN protocol that is offered, and that the server must take
    std::chrono::milliseconds timeout{5'000};  ///< for everything
};

/// Makes a handshake, and hands over the leaf that was shown, which nobody has verified: for who looks at the certificate
/// itself. The server has proven that it holds the key. Nothing is sent, and the connection is closed.
/// @return `deadline_exceeded` "fetch.timeout"; `unavailable` "fetch.connect", "fetch.tls"; `internal` "tls.openssl"
[[nodiscard]] Task<Result<crypto::X509Handle>> shown_certificate(Loop& loop, ShowRequest request);

}  // namespace gh::net
