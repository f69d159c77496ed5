#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/tls_settings.hpp"
#include "net/tls_stream.hpp"

struct ssl_ctx_st;

namespace gh::net {

struct FreeSslContext {
    void operator()(ssl_ctx_st* context) const noexcept;
};
using SslContextHandle = std::unique_ptr<ssl_ctx_st, FreeSslContext>;

/// What a listener's handshakes are made of. Immutable: a reload makes another and swaps the pointer; sessions begun
/// with the old one live on, also when it is gone. Any thread may use it.
class TlsContext {
 public:
    /// @param now  for warnings about times; an expired certificate is served all the same
    /// @return `invalid_argument` "tls.certificates_missing", "certificate.*", "key.*" (see crypto/x509.hpp),
    ///         "tls.key_mismatch", "tls.certificate_weak", "tls.client_ca_missing", "tls.client_ca_unfit";
    ///         the detail begins with the source's name. `internal` "tls.openssl"
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> make(const TlsServerSettings& settings,
                                                                        SystemTime now);

    /// One connection's state, set to accept. Null only when memory is exhausted.
    [[nodiscard]] SslHandle new_session() const;

    /// What an operator should hear: expired, not yet valid, no names.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
    /// Every DNS name and address the certificates speak for.
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
    /// When the first of the certificates ends.
    [[nodiscard]] SystemTime not_after() const { return not_after_; }

 private:
    TlsContext() = default;

    SslContextHandle context_;
    std::vector<std::string> warnings_;
    std::vector<std::string> names_;
    SystemTime not_after_ = SystemTime::max();
};

/// Our end of TLS towards upstreams and issuers: chain and name verified, TLS 1.2 at least, ALPN http/1.1. There is no
/// way to switch the verification off. Immutable; any thread may use it.
class TlsClientContext {
 public:
    /// @return as TlsContext::make
    [[nodiscard]] static Result<std::shared_ptr<const TlsClientContext>> make(const TlsClientSettings& settings);

    /// One connection's state, set to connect to `host` and to accept its certificate only.
    /// @param host  DNS name (sent as server name) or address, "[::1]" with or without brackets
    /// @return `invalid_argument` "tls.server_name"
    [[nodiscard]] Result<SslHandle> new_session(std::string_view host) const;

 private:
    TlsClientContext() = default;
    SslContextHandle context_;
};

/// What a verified client certificate says.
struct PeerCertificate {
    std::string subject;      ///< common name, or the first URI or DNS name where there is none
    std::string fingerprint;  ///< SHA-256 of the DER, lower-case hex
    std::string serial;       ///< lower-case hex
    SystemTime not_after;     ///< a connection that lives longer must not count on it any more
};

/// After the handshake. The chain, the times and the purpose were verified in it, or in the one that is resumed: then
/// the certificate may have ended since.
/// @return nothing when the client showed none; `unauthenticated` "tls.client_certificate_expired" or
///         "tls.client_certificate_unverified": close the connection
[[nodiscard]] Result<std::optional<PeerCertificate>> peer_certificate(const ssl_st* ssl, SystemTime now);

}  // namespace gh::net
