#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "net/ssl_context.hpp"
#include "net/tls_settings.hpp"
#include "net/tls_stream.hpp"

namespace gh::net {

/// What a listener's handshakes are made of. Immutable: a reload makes another and swaps the pointer; sessions begun
/// with the old one live on, also when it is gone. Any thread may use it.
class TlsContext {
    struct Key {};  // make() alone has one

 public:
    explicit TlsContext(Key) {}

    /// @param now  for warnings about times; an expired certificate is served all the same
    /// @return `invalid_argument` "tls.certificates_missing", "certificate.*", "key.*" (see crypto/x509.hpp),
    ///         "tls.key_mismatch", "tls.certificate_weak", "tls.client_ca_missing" or "tls.client_ca_unfit";
    ///         the detail begins with the source's name. `internal` "tls.openssl"
    [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> make(
        const TlsServerSettings& settings, SystemTime now);

    /// One connection's state, set to accept. Null only when memory is exhausted.
    [[nodiscard]] SslHandle new_session() const;

    /// What an operator should hear: expired, not yet valid, without names, chain in disorder, a name served twice.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
    /// Every DNS name and address the certificates speak for.
    [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
    /// When the first of the certificates ends.
    [[nodiscard]] SystemTime not_after() const { return not_after_; }

 private:
    SslContextHandle context_;
    std::vector<std::string> warnings_;
    std::vector<std::string> names_;
    SystemTime not_after_ = SystemTime::max();
};

}  // namespace gh::net
