#pragma once

#include <string>

#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "crypto/x509.hpp"

namespace gh::pki::acme_client {

/// An order that was about to be finalized: with both, whoever begins anew has the certificate that was paid for.
struct Pending {
    crypto::KeyHandle key;
    std::string order;  ///< URL
};

/// For a crypto::KeyStore, and back.
[[nodiscard]] crypto::Secret sealed_text_of(const Pending& pending);
/// @return `corrupt` "acme_client.pending"; also for nothing_pending()
[[nodiscard]] Result<Pending> pending_of_text(const crypto::Secret& text);
[[nodiscard]] crypto::Secret nothing_pending();

}  // namespace gh::pki::acme_client
