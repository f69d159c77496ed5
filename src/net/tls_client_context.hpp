#pragma once

#include <memory>
#include <string_view>

#include "base/error.hpp"
#include "net/ssl_context.hpp"
#include "net/tls_settings.hpp"
#include "net/tls_stream.hpp"

namespace gh::net {

/// Our end of TLS towards upstreams and issuers: chain and name verified, TLS 1.2 at least, ALPN http/1.1. Only who says so
/// by name has one that does not verify. Immutable; any thread may use it.
class TlsClientContext {
    struct Key {};  // make() alone has one

 public:
    TlsClientContext(Key, SslContextHandle context) : context_(std::move(context)) {}

    /// @return `invalid_argument` "certificate.*", "key.*", "tls.key_mismatch" or "tls.certificate_weak";
    ///         the detail begins with the source's name. `internal` "tls.openssl"
    [[nodiscard]] static Result<std::shared_ptr<const TlsClientContext>> make(
        const TlsClientSettings& settings);

    /// One that believes every certificate: for who reads what proves itself, and sends nothing that is to be kept.
    /// @return `internal` "tls.openssl"
    [[nodiscard]] static Result<std::shared_ptr<const TlsClientContext>> make_unverified();

    /// One connection's state, set to connect to `host` and to accept its certificate only.
    /// @param host  DNS name (sent as server name, RFC 6066 §3) or address, "[::1]" with or without brackets
    /// @return `invalid_argument` "tls.server_name", `internal` "tls.openssl"
    [[nodiscard]] Result<SslHandle> new_session(std::string_view host) const;

 private:
    SslContextHandle context_;
};

}  // namespace gh::net
