#include "net/tls_proofs.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "crypto/x509.hpp"

namespace gh::net {
namespace {

int choose_proof_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                          const unsigned char* offered, unsigned offered_size, void*) {
    // It was the only one (RFC 8737 §3), or this context would not have been chosen.
    if (offered_size != TlsProofs::protocol.size() + 1) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = offered + 1;
    *out_size = offered[0];
    return SSL_TLSEXT_ERR_OK;
}

std::string lower(std::string_view name) {
    std::string out(name);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    return out;
}

}  // namespace

Result<void> TlsProofs::put(std::string name, const CertificateChain& proof) {
    GH_TRY(const auto pair, read_pair(proof));
    GH_TRY(auto context, make_ssl_context(TlsRole::server, TlsVersion::tls_1_2));
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    if (SSL_CTX_set_num_tickets(context.get(), 0) != 1 ||
        SSL_CTX_use_cert_and_key(context.get(), pair.chain.front().get(), pair.key.get(), nullptr,
                                 1) != 1) {
        return fail(ErrorKind::internal, "tls.openssl", crypto::take_openssl_errors());
    }
    SSL_CTX_set_alpn_select_cb(context.get(), choose_proof_protocol, nullptr);
    const std::scoped_lock lock(mutex_);
    if (contexts_.size() >= proofs_max && !contexts_.contains(name))
        return fail(ErrorKind::exhausted, "tls.proofs");
    contexts_.insert_or_assign(std::move(name), std::move(context));
    return {};
}

void TlsProofs::take_away(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = contexts_.find(name); found != contexts_.end()) contexts_.erase(found);
}

bool TlsProofs::show(ssl_st* session, std::string_view name) const {
    const std::scoped_lock lock(mutex_);
    const auto found = contexts_.find(lower(name));
    if (found == contexts_.end() || SSL_set_SSL_CTX(session, found->second.get()) == nullptr)
        return false;
    // Nobody is let in by this handshake, so nobody needs to show who he is; and nothing of it may be resumed.
    SSL_set_verify(session, SSL_VERIFY_NONE, nullptr);
    SSL_set_options(session, SSL_OP_NO_TICKET);
    return SSL_set_num_tickets(session, 0) == 1;
}

}  // namespace gh::net
