#pragma once

#include <vector>

#include "base/error.hpp"
#include "crypto/x509.hpp"
#include "net/tls_settings.hpp"

namespace gh::net {

/// A chain and its key as OpenSSL has them.
struct CertificatePair {
    std::vector<crypto::X509Handle> chain;  ///< leaf first
    crypto::KeyHandle key;
};

/// @return `invalid_argument` "certificate.*" or "key.*" (see crypto/x509.hpp), or "tls.key_mismatch";
///         the detail begins with the chain's source
[[nodiscard]] Result<CertificatePair> read_pair(const CertificateChain& chain);

}  // namespace gh::net
