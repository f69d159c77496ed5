#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/certificate_pair.hpp"
#include "net/tls_settings.hpp"

struct ssl_ctx_st;

/// What server and client contexts have in common. Used by the two only.
namespace gh::net {

struct FreeSslContext {
    void operator()(ssl_ctx_st* context) const noexcept;
};
using SslContextHandle = std::unique_ptr<ssl_ctx_st, FreeSslContext>;

enum class TlsRole : std::uint8_t { server, client };

/// A context with protocol versions, suites, groups, signature algorithms, modes and limits set.
/// @return `internal` "tls.openssl"
[[nodiscard]] Result<SslContextHandle> make_ssl_context(TlsRole role, TlsVersion min_version);

/// Presents `pair`, without a self-signed root at its end.
/// @return `invalid_argument` "tls.certificate_weak"
[[nodiscard]] Result<void> present(ssl_ctx_st* context, const CertificatePair& pair,
                                   std::string_view source);

/// Makes each certificate an anchor of its own: one that lists an intermediate trusts what hangs below it, and not
/// what hangs beside it.
[[nodiscard]] Result<void> trust(ssl_ctx_st* context,
                                 const std::vector<crypto::X509Handle>& anchors);

}  // namespace gh::net
