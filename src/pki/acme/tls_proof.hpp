#pragma once

#include <openssl/types.h>

#include <string_view>

#include "base/error.hpp"

namespace gh::pki::acme {

inline constexpr std::string_view tls_proof_protocol = "acme-tls/1";  ///< of ALPN, RFC 8737 §6.2

/// Whether a certificate is the proof of tls-alpn-01 (RFC 8737 §3): self-signed, for this name alone, with the digest of the
/// key authorization in a critical extension.
/// @return "acme.response"
[[nodiscard]] Result<void> check_tls_proof(X509* certificate, std::string_view name,
                                           std::string_view key_authorization);

}  // namespace gh::pki::acme
