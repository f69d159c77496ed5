#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "crypto/x509.hpp"
#include "net/tls_settings.hpp"

// Keys and certificates on our side of the protocol.

namespace gh::pki::acme_client {

inline constexpr std::size_t chain_bytes_max = 48 * 1024;
inline constexpr std::size_t chain_certificates_max = 8;
inline constexpr std::chrono::minutes clock_slack{
    5};  ///< a certificate that begins so soon has begun
inline constexpr std::chrono::days start_ahead_max{
    7};  ///< for one that begins later, our clock is behind

/// P-256.
[[nodiscard]] crypto::KeyHandle make_key();

/// What is asked of a CA at the end of an order (RFC 8555 §7.4): PKCS #10, DER, with the names in subjectAltName alone.
/// @return `internal` "ca.openssl"
[[nodiscard]] Result<std::string> signing_request_of(EVP_PKEY* key,
                                                     const std::vector<std::string>& names);

/// What answers tls-alpn-01 (RFC 8737 §3): self-signed, for this name, with the digest of the key authorization.
/// @return `internal` "ca.openssl"
[[nodiscard]] Result<net::CertificateChain> make_tls_proof(const std::string& name,
                                                           std::string_view key_authorization,
                                                           SystemTime now);

/// A certificate of a CA, with what was asked for.
struct Leaf {
    std::string chain_pem;  ///< leaf first
    crypto::Secret key_pem;
    std::vector<std::string> names;  ///< DNS names, in order of the alphabet
    SystemTime not_before, not_after;
    std::string renewal_id;  ///< RFC 9773 §4.1; empty where it has no authority key id

    [[nodiscard]] bool good_at(SystemTime now) const {
        return now + clock_slack >= not_before && now < not_after;
    }
};

/// Judges a chain that a CA gave: it is for this key and all these names, each certificate is signed by the next, a
/// listener can serve with it, and its time has not passed; it may begin within start_ahead_max. Whether anybody trusts its
/// root is not ours to say.
/// @return `corrupt` "acme_client.chain"; the detail says why
[[nodiscard]] Result<Leaf> judge_chain(std::string_view chain_pem, EVP_PKEY* key,
                                       const std::vector<std::string>& names, SystemTime now);

/// Chain and key in one text, for a crypto::KeyStore; and back, whatever time it is.
[[nodiscard]] crypto::Secret sealed_text_of(const Leaf& leaf);
/// @return `corrupt` "acme_client.leaf", or "acme_client.chain": no listener could serve with it
[[nodiscard]] Result<Leaf> leaf_of_text(const crypto::Secret& text);

}  // namespace gh::pki::acme_client
