#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

/// X.509 certificates and their keys: OpenSSL's objects, owned, and what the house asks of them.
namespace gh::crypto {

struct FreeX509 {
    void operator()(X509* certificate) const noexcept;
};
using X509Handle = std::unique_ptr<X509, FreeX509>;

struct FreeKey {
    void operator()(EVP_PKEY* key) const noexcept;
};
using KeyHandle = std::unique_ptr<EVP_PKEY, FreeKey>;

/// PEM text longer than this is refused unread, and so is a bundle of more certificates.
inline constexpr std::size_t pem_bytes_max = 4 * 1024 * 1024;
inline constexpr std::size_t pem_certificates_max = 1000;

/// Every CERTIFICATE block of `pem` in its order; other blocks and text between them are passed over (RFC 7468 §2).
/// @return `invalid_argument` "certificate.missing" without any, "certificate.malformed" when one cannot be read,
///         "certificate.too_long" beyond the limits
[[nodiscard]] Result<std::vector<X509Handle>> read_certificates(std::string_view pem);

/// The first private key of `pem`: PKCS #8, or the older forms for RSA and EC. Nobody is asked for a passphrase.
/// @return `invalid_argument` "key.missing", "key.encrypted", "key.malformed" or "key.too_long"
[[nodiscard]] Result<KeyHandle> read_private_key(std::string_view pem);

[[nodiscard]] std::string to_der(const X509* certificate);
[[nodiscard]] std::string to_pem(const X509* certificate);
[[nodiscard]] std::string certificate_pem(std::string_view der);  ///< RFC 7468 §5
/// PKCS #8, not encrypted: a secret.
[[nodiscard]] std::string to_pem(EVP_PKEY* key);

/// Whom a certificate speaks for: subjectAltName only, never the common name (RFC 9525 §2).
struct CertificateNames {
    std::vector<std::string> dns;        ///< lower case; a wildcard as it stands: "*.example.com"
    std::vector<std::string> addresses;  ///< "127.0.0.1", "::1"
    std::vector<std::string> uris;
    friend bool operator==(const CertificateNames&, const CertificateNames&) = default;
};
/// A name with a NUL or a character that is no printable ASCII is left out: it was made to deceive.
[[nodiscard]] CertificateNames names_of(const X509* certificate);

/// The subject's first common name, UTF-8; empty where there is none or it holds control characters.
[[nodiscard]] std::string common_name_of(const X509* certificate);

/// The subject as text (RFC 4514): "CN=ci,O=Example"; empty where it is empty.
[[nodiscard]] std::string distinguished_name_of(const X509* certificate);

[[nodiscard]] SystemTime not_before_of(const X509* certificate);
[[nodiscard]] SystemTime not_after_of(const X509* certificate);

/// SHA-256 of the DER, 64 lower-case hex digits.
[[nodiscard]] std::string fingerprint_of(const X509* certificate);
/// Lower-case hex, at least two digits, as many as there are octets.
[[nodiscard]] std::string serial_of(const X509* certificate);
/// Its subject key identifier (RFC 5280 §4.2.1.2), lower-case hex; empty where it has none.
[[nodiscard]] std::string key_id_of(const X509* certificate);

/// Empties this thread's OpenSSL error queue into one line: "reason; reason". "unknown" when it was empty.
[[nodiscard]] std::string take_openssl_errors();

}  // namespace gh::crypto
