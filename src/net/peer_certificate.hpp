#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

struct ssl_st;
struct ssl_ctx_st;

namespace gh::net {

/// What a verified client certificate says.
struct PeerCertificate {
    /// Common name, or the first URI or DNS name where there is none: at most 1 KiB of UTF-8 without control characters,
    /// empty where nothing is fit to be shown.
    std::string subject;
    std::string fingerprint;         ///< SHA-256 of the DER, lower-case hex
    std::string serial;              ///< lower-case hex
    std::vector<std::string> names;  ///< see access::ClientCertificate
    SystemTime not_after;  ///< a connection that lives longer must not count on it any more
    std::vector<std::string> authorities;  ///< see access::ClientCertificate: the topmost eight
};

/// After the handshake. Chain, times and purpose were verified in it, or in the one that is resumed: then the
/// certificate may have ended since.
/// @return nothing when the client showed none; `unauthenticated` "tls.client_certificate_expired" or
///         "tls.client_certificate_unverified": close the connection
[[nodiscard]] Result<std::optional<PeerCertificate>> peer_certificate(const ssl_st* ssl,
                                                                      SystemTime now);

/// Has tickets of this context tell of the authorities that were verified: a session that is resumed has no chain.
void keep_authorities_in_tickets(ssl_ctx_st* context);

/// After a handshake that failed: what OpenSSL says, and what is wrong with the peer's certificate if that was it.
/// Empties this thread's error queue.
[[nodiscard]] std::string handshake_failure(const ssl_st* ssl);

}  // namespace gh::net
