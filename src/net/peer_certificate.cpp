#include "net/peer_certificate.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

#include "crypto/x509.hpp"

namespace gh::net {
namespace {

constexpr std::size_t subject_bytes_max = 1024;
constexpr std::size_t names_max = 16;

/// The names come without control characters (crypto/x509.hpp). One too long is passed over, not cut: what is left of it
/// might be somebody else's.
std::string subject_of(const X509* certificate) {
    const auto fits = [](const std::string& name) {
        return !name.empty() && name.size() <= subject_bytes_max;
    };
    if (auto name = crypto::common_name_of(certificate); fits(name)) return name;
    const auto names = crypto::names_of(certificate);
    for (const auto* list : {&names.uris, &names.dns}) {
        const auto first = std::ranges::find_if(*list, fits);
        if (first != list->end()) return *first;
    }
    return {};
}

std::vector<std::string> names_in(const X509* certificate) {
    std::vector<std::string> names;
    const auto add = [&](std::string_view kind, const std::string& name) {
        if (!name.empty() && name.size() <= subject_bytes_max && names.size() < names_max)
            names.push_back(std::string(kind) + name);
    };
    add("dn:", crypto::distinguished_name_of(certificate));
    const auto alternatives = crypto::names_of(certificate);
    for (const auto& name : alternatives.dns) add("dns:", name);
    for (const auto& name : alternatives.uris) add("uri:", name);
    for (const auto& name : alternatives.addresses) add("ip:", name);
    return names;
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
                          .names = names_in(certificate),
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
