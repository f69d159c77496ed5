#include "net/peer_certificate.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "crypto/x509.hpp"

namespace gh::net {
namespace {

std::string subject_of(const X509* certificate) {
    if (auto name = crypto::common_name_of(certificate); !name.empty()) return name;
    const auto names = crypto::names_of(certificate);
    if (!names.uris.empty()) return names.uris.front();
    return names.dns.empty() ? std::string() : names.dns.front();
}

}  // namespace

Result<std::optional<PeerCertificate>> peer_certificate(const ssl_st* ssl, SystemTime now) {
    const X509* certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr) return std::nullopt;
    if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
        return fail(ErrorKind::unauthenticated, "tls.client_certificate_unverified",
                    X509_verify_cert_error_string(verdict));
    }
    PeerCertificate facts{.subject = subject_of(certificate),
                          .fingerprint = crypto::fingerprint_of(certificate),
                          .serial = crypto::serial_of(certificate),
                          .not_after = crypto::not_after_of(certificate)};
    if (now >= facts.not_after) {
        return fail(ErrorKind::unauthenticated, "tls.client_certificate_expired",
                    facts.fingerprint);
    }
    return facts;
}

std::string handshake_failure(const ssl_st* ssl) {
    auto text = crypto::take_openssl_errors();
    if (const long verdict = SSL_get_verify_result(ssl); verdict != X509_V_OK) {
        text += ": ";
        text += X509_verify_cert_error_string(verdict);
    }
    return text;
}

}  // namespace gh::net
