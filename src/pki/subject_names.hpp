#pragma once

#include <openssl/types.h>

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "crypto/x509.hpp"
#include "pki/profile.hpp"

namespace gh::pki {

inline constexpr std::size_t subject_names_max = 100;  ///< of one certificate
inline constexpr std::size_t common_name_characters_max =
    64;  ///< ub-common-name, RFC 5280 appendix A.1

/// "spiffe://trust.domain/path", as the SPIFFE-ID standard §2 has it: lower-case trust domain, a path without empty segments
/// or dots that climb (X509-SVID §2: who holds a leaf has one), at most 2048 bytes.
[[nodiscard]] bool valid_spiffe_id(std::string_view uri);

/// What a certificate of `profile` may say of its holder. The common name is empty or one of the names: alone it names nobody
/// (RFC 9525 §2), yet PostgreSQL and others let in whom it names.
/// @return `invalid_argument` "ca.name_invalid", "ca.name_missing" or "ca.names_too_many"; the detail says which name
[[nodiscard]] Result<void> check_names(Profile profile, std::string_view common_name,
                                       const crypto::CertificateNames& names);

/// Names that check_names() let pass, as subjectAltName: critical where the subject is empty (RFC 5280 §4.2.1.6).
/// @return false when memory is exhausted
[[nodiscard]] bool add_alternative_names(X509* certificate, const crypto::CertificateNames& names);

/// "dns:a.example ip:::1 uri:spiffe://example.org/a": by kind, each kind in order, so that the same names are the same text;
/// and back, where what has no such kind is passed over.
[[nodiscard]] std::string text_of_names(const crypto::CertificateNames& names);
[[nodiscard]] crypto::CertificateNames names_of_text(std::string_view text);

/// Network order, 4 or 16; empty when `text` is no address.
[[nodiscard]] std::string octets_of_address(const std::string& text);

}  // namespace gh::pki
