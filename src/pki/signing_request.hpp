#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/public_key.hpp"
#include "crypto/x509.hpp"

namespace gh::pki {

inline constexpr std::size_t signing_request_bytes_max = 16 * 1024;

/// What a PKCS #10 request (RFC 2986) asks for, its signature verified: whoever made it holds the key.
struct SigningRequest {
    std::string common_name;         ///< may be empty; the rest of the subject is not taken over
    crypto::CertificateNames names;  ///< DNS names in lower case; not judged, see check_names()
    crypto::KeyHandle key;           ///< strong enough, see crypto::PublicKey
};

/// Pure. DER, or PEM with this one block.
/// @return `invalid_argument`: "csr.too_long" (refused unread), "csr.malformed" (no request, or anything behind it),
///         "csr.name" (a name of another kind, too many, or one with characters that no name has), "csr.authority" (it
///         wants to sign others), "csr.algorithm" (a signature by SHA-1 or older), "csr.signature", and "key.*"
[[nodiscard]] Result<SigningRequest> parse_signing_request(std::string_view bytes);

/// SHA-256 of the key as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, DER), lower-case hex.
[[nodiscard]] std::string key_id_of(const EVP_PKEY* key);

/// Whether both are the same.
[[nodiscard]] bool is_key(const EVP_PKEY* key, const crypto::PublicKey& other);

}  // namespace gh::pki
