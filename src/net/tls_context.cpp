#include "net/tls_context.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "base/try.hpp"
#include "net/certificate_index.hpp"
#include "net/peer_certificate.hpp"
#include "net/tls_proofs.hpp"

namespace gh::net {
namespace {

using AlpnList = std::string_view;  // as on the wire: length, name, length, name
constexpr AlpnList alpn_h2_and_h1 = "\x02h2\x08http/1.1";
constexpr AlpnList alpn_h1 = "\x08http/1.1";

/// What the callbacks of a context need. Owned by it, so that sessions outlive the TlsContext that began them.
struct CallbackState {
    AlpnList alpn;
    std::shared_ptr<TicketKeys> ticket_keys;
    std::shared_ptr<const Staple> staple;
    std::shared_ptr<const TlsProofs> proofs;  // of the first context only, and what follows
    CertificateIndex index;
    std::vector<SslContextHandle> others;  // the certificates behind the first
};

void free_state(void*, void* state, CRYPTO_EX_DATA*, int, long, void*) {
    const std::unique_ptr<CallbackState> owned(static_cast<CallbackState*>(state));
}

int state_slot() {
    static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_state);
    return slot;
}

const CallbackState& state_of(const SSL* ssl) {
    return *static_cast<const CallbackState*>(
        SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), state_slot()));
}

/// RFC 7301 §3.2: our order counts; a client none of whose protocols we speak is told so and left.
int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
    const auto& ours = state_of(ssl).alpn;
    unsigned char* chosen = nullptr;
    const int result = SSL_select_next_proto(
        &chosen, out_size, reinterpret_cast<const unsigned char*>(ours.data()),
        static_cast<unsigned>(ours.size()), offered, offered_size);
    if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int proof_slot() {
    static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return slot;
}

/// Before a certificate is chosen, notes whether the client offers the protocol of proofs and no other (RFC 8737 §3).
int note_proof_wanted(SSL* ssl, int*, void*) {
    constexpr std::size_t size = TlsProofs::protocol.size();
    const unsigned char* list = nullptr;
    std::size_t bytes = 0;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &list,
                                  &bytes) != 1)
        return SSL_CLIENT_HELLO_SUCCESS;
    const bool alone = bytes == size + 3 && list[0] == 0 && list[1] == size + 1 &&
                       list[2] == size &&
                       std::equal(TlsProofs::protocol.begin(), TlsProofs::protocol.end(), list + 3);
    // Any pointer that is not null says so.
    if (alone) SSL_set_ex_data(ssl, proof_slot(), ssl);
    return SSL_CLIENT_HELLO_SUCCESS;
}

int choose_certificate(SSL* ssl, int*, void* first_state) {
    const auto& state = *static_cast<const CallbackState*>(first_state);
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (state.proofs && name != nullptr && SSL_get_ex_data(ssl, proof_slot()) != nullptr)
        return state.proofs->show(ssl, name) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
    const auto found = name != nullptr ? state.index.find(name) : CertificateIndex::none;
    if (found == CertificateIndex::none) return SSL_TLSEXT_ERR_NOACK;
    if (found > 0) SSL_set_SSL_CTX(ssl, state.others[found - 1].get());
    return SSL_TLSEXT_ERR_OK;
}

/// For a client that asks for it (RFC 6066 §8).
int staple(SSL* ssl, void*) {
    const auto& kept = state_of(ssl).staple;
    const auto response = kept ? kept->at(std::chrono::system_clock::now()) : nullptr;
    if (!response) return SSL_TLSEXT_ERR_NOACK;
    auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(response->data(), response->size()));
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response->size()));
    return SSL_TLSEXT_ERR_OK;
}

int protect_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int sealing) {
    constexpr std::size_t name_size = 16;
    constexpr std::size_t iv_size = 16;  // of AES; OpenSSL has room for EVP_MAX_IV_LENGTH
    const auto& keys = *state_of(ssl).ticket_keys;
    const std::span<unsigned char, name_size> key_name(name, name_size);
    if (sealing != 0) return keys.seal(key_name, {iv, iv_size}, cipher, mac);
    // A TLS 1.3 ticket is used once, so that nobody can follow a client by it (RFC 8446 §C.4).
    return keys.open(key_name, {iv, iv_size}, cipher, mac, SSL_version(ssl) >= TLS1_3_VERSION);
}

std::unexpected<Error> openssl_failure() {
    return fail(ErrorKind::internal, "tls.openssl", crypto::take_openssl_errors());
}

/// Sessions made under other rules about clients must not resume: the ticket keys outlive a reload.
bool bind_sessions(SSL_CTX* context, const TlsServerSettings& settings) {
    std::string rules = settings.listener;
    rules += '\0';
    rules += static_cast<char>('0' + static_cast<int>(settings.client_certificate));
    rules += settings.client_ca_pem;
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    return EVP_Digest(rules.data(), rules.size(), digest.data(), &size, EVP_sha256(), nullptr) ==
               1 &&
           SSL_CTX_set_session_id_context(context, digest.data(), size) == 1;
}

Result<void> ask_for_client_certificate(SSL_CTX* context, const TlsServerSettings& settings) {
    if (settings.client_certificate == ClientCertificateMode::none) return {};
    if (settings.client_ca_pem.empty()) {
        return fail(ErrorKind::invalid_argument, "tls.client_ca_missing",
                    "client certificates are asked for, and no authority is named to verify them");
    }
    auto anchors = crypto::read_certificates(settings.client_ca_pem);
    if (!anchors) {
        auto& error = anchors.error();
        return fail(error.kind, error.reason, settings.client_ca_source + ": " + error.detail);
    }
    for (const auto& anchor : *anchors) {
        if (X509_check_ca(anchor.get()) == 0) {
            return fail(ErrorKind::invalid_argument, "tls.client_ca_unfit",
                        settings.client_ca_source + ": '" + crypto::common_name_of(anchor.get()) +
                            "' is no certificate authority");
        }
        if (SSL_CTX_add_client_CA(context, anchor.get()) != 1) return openssl_failure();
    }
    GH_TRY_VOID(trust(context, *anchors));
    const bool required = settings.client_certificate == ClientCertificateMode::required;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
    return {};
}

bool offer_tickets(SSL_CTX* context, const TlsServerSettings& settings) {
    if (!settings.ticket_keys) {
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
        return SSL_CTX_set_num_tickets(context, 0) == 1;
    }
    SSL_CTX_set_timeout(context, static_cast<long>(settings.session_lifetime.count()));
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, protect_ticket);
    keep_authorities_in_tickets(context);
    return SSL_CTX_set_num_tickets(context, 1) == 1;  // another comes with each resumption
}

/// One certificate's context: complete but for the choice among several.
Result<SslContextHandle> make_server_context(const TlsServerSettings& settings,
                                             const CertificatePair& pair,
                                             const CertificateChain& chain) {
    GH_TRY(auto context, make_ssl_context(TlsRole::server, settings.min_version));
    auto state = std::make_unique<CallbackState>();
    state->alpn = settings.alpn_h2 ? alpn_h2_and_h1 : alpn_h1;
    state->ticket_keys = settings.ticket_keys;
    state->staple = chain.staple;
    if (SSL_CTX_set_ex_data(context.get(), state_slot(), state.get()) != 1)
        return openssl_failure();
    (void)state.release();  // free_state has it now
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    if (chain.staple) SSL_CTX_set_tlsext_status_cb(context.get(), staple);
    if (!bind_sessions(context.get(), settings) || !offer_tickets(context.get(), settings))
        return openssl_failure();
    GH_TRY_VOID(ask_for_client_certificate(context.get(), settings));
    GH_TRY_VOID(present(context.get(), pair, chain.source));
    return context;
}

std::string date_text(SystemTime time) {
    const auto seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

void warn_about(const CertificatePair& pair, const std::string& source, SystemTime now,
                std::vector<std::string>& warnings) {
    X509* leaf = pair.chain.front().get();
    const auto not_before = crypto::not_before_of(leaf);
    const auto not_after = crypto::not_after_of(leaf);
    const auto names = crypto::names_of(leaf);
    if (now >= not_after)
        warnings.push_back(source + ": the certificate expired at " + date_text(not_after));
    if (now < not_before) {
        warnings.push_back(source + ": the certificate is not valid before " +
                           date_text(not_before));
    }
    if (names.dns.empty() && names.addresses.empty()) {
        warnings.push_back(source +
                           ": the certificate has no subjectAltName, and clients will refuse it");
    }
    for (std::size_t i = 0; i + 1 < pair.chain.size(); ++i) {
        if (X509_check_issued(pair.chain[i + 1].get(), pair.chain[i].get()) == X509_V_OK) continue;
        warnings.push_back(source + ": certificate " + std::to_string(i + 2) +
                           " did not sign the one before it");
    }
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::make(const TlsServerSettings& settings,
                                                           SystemTime now) {
    if (settings.certificates.empty()) {
        return fail(ErrorKind::invalid_argument, "tls.certificates_missing",
                    "listener " + settings.listener);
    }
    auto made = std::make_shared<TlsContext>(Key{});
    CertificateIndex index;
    std::vector<SslContextHandle> contexts;
    for (const auto& chain : settings.certificates) {
        GH_TRY(const auto pair, read_pair(chain));
        GH_TRY(auto context, make_server_context(settings, pair, chain));
        warn_about(pair, chain.source, now, made->warnings_);
        X509* leaf = pair.chain.front().get();
        auto names = crypto::names_of(leaf);
        for (const auto& name : names.dns) {
            if (!index.add(name, contexts.size())) {
                made->warnings_.push_back(chain.source + ": " + name +
                                          " is served with an earlier certificate");
            }
        }
        std::ranges::move(names.dns, std::back_inserter(made->names_));
        std::ranges::move(names.addresses, std::back_inserter(made->names_));
        made->not_after_ = std::min(made->not_after_, crypto::not_after_of(leaf));
        contexts.push_back(std::move(context));
    }
    made->context_ = std::move(contexts.front());
    contexts.erase(contexts.begin());
    auto* state =
        static_cast<CallbackState*>(SSL_CTX_get_ex_data(made->context_.get(), state_slot()));
    state->proofs = settings.proofs;
    if (settings.proofs)
        SSL_CTX_set_client_hello_cb(made->context_.get(), note_proof_wanted, nullptr);
    state->index = std::move(index);
    state->others = std::move(contexts);
    SSL_CTX_set_tlsext_servername_callback(made->context_.get(), choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(made->context_.get(), state);
    return made;
}

SslHandle TlsContext::new_session() const {
    SslHandle ssl(SSL_new(context_.get()));
    if (ssl) SSL_set_accept_state(ssl.get());
    return ssl;
}

}  // namespace gh::net
