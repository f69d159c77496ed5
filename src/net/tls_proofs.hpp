#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/ssl_context.hpp"

namespace gh::net {

/// Certificates that answer tls-alpn-01 (RFC 8737), by server name: put by who wants a certificate, shown by handshakes of
/// any thread. A handshake that asks for one ends with it; nothing is served on such a connection.
class TlsProofs {
 public:
    /// Of ALPN (§6.2).
    static constexpr std::string_view protocol = "acme-tls/1";
    static constexpr std::size_t proofs_max = 1000;

    /// @param name  lower case
    /// @return errors of read_pair(); `exhausted` "tls.proofs"; `internal` "tls.openssl"
    [[nodiscard]] Result<void> put(std::string name, const CertificateChain& proof);
    void take_away(std::string_view name);
    /// Makes this handshake show the proof of the name, and want nothing of the client. @return false: there is none
    [[nodiscard]] bool show(ssl_st* session, std::string_view name) const;

 private:
    mutable std::mutex mutex_;
    std::map<std::string, SslContextHandle, std::less<>> contexts_;
};

}  // namespace gh::net
