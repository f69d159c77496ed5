#include "net/peer_certificate.hpp"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <string_view>

#include "crypto/x509.hpp"

namespace gh::net {
namespace {

constexpr std::size_t subject_bytes_max = 1024;
constexpr std::size_t names_max = 16;
constexpr std::size_t authorities_max = 8;
constexpr std::size_t key_id_digits_max = 128;

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

/// From the root downwards: who signs below an authority of ours cannot push it out of the list.
std::vector<std::string> verified_authorities(const SSL* ssl) {
    std::vector<std::string> key_ids;
    const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
    for (int i = sk_X509_num(chain) - 1; i > 0 && key_ids.size() < authorities_max; --i) {
        auto id = crypto::key_id_of(sk_X509_value(chain, i));
        if (!id.empty() && id.size() <= key_id_digits_max) key_ids.push_back(std::move(id));
    }
    return key_ids;
}

/// What the ticket of a resumed session tells of them.
std::vector<std::string> kept_authorities(const SSL* ssl) {
    std::vector<std::string> key_ids;
    void* data = nullptr;
    std::size_t size = 0;
    if (SSL_SESSION_get0_ticket_appdata(SSL_get_session(ssl), &data, &size) != 1) return key_ids;
    std::string_view text(static_cast<const char*>(data), size);
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        key_ids.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return key_ids;
}

int note_authorities(SSL* ssl, void*) {
    if (SSL_session_reused(ssl) == 1) return 1;  // it has them from the ticket before
    std::string text;
    for (const auto& id : verified_authorities(ssl)) text += (text.empty() ? "" : " ") + id;
    if (text.empty()) return 1;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), text.data(), text.size());
}

}  // namespace

void keep_authorities_in_tickets(ssl_ctx_st* context) {
    SSL_CTX_set_session_ticket_cb(context, note_authorities, nullptr, nullptr);
}

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
                          .not_after = crypto::not_after_of(certificate),
                          .authorities = SSL_session_reused(ssl) == 1 ? kept_authorities(ssl)
                                                                      : verified_authorities(ssl)};
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
