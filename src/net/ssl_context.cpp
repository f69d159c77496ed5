#include "net/ssl_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/try.hpp"

namespace gh::net {
namespace {

// Forward secrecy and AEAD only (RFC 9325 §4.2); all of them are fit for HTTP/2 (RFC 9113 §9.2.2).
constexpr const char* suites_tls_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* suites_tls_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
constexpr const char* signature_algorithms =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:"
    "rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

constexpr int security_level = 2;   // 112 bits: RSA and DH from 2048 bits, no SHA-1
constexpr int chain_depth_max = 4;  // intermediates of a peer's chain
constexpr long peer_chain_bytes_max = 32 * 1024;

constexpr std::uint64_t options =
    SSL_OP_NO_COMPRESSION |    // CRIME
    SSL_OP_NO_RENEGOTIATION |  // work for us at the peer's wish
    SSL_OP_CIPHER_SERVER_PREFERENCE |
    SSL_OP_PRIORITIZE_CHACHA;                      // for clients that put it first: no AES hardware
constexpr long modes = SSL_MODE_RELEASE_BUFFERS |  // an idle connection holds no record buffer
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                       SSL_MODE_NO_AUTO_CHAIN;  // what is sent is what was configured

std::unexpected<Error> openssl_failure() {
    return fail(ErrorKind::internal, "tls.openssl", crypto::take_openssl_errors());
}

bool self_signed(X509* certificate) {
    return (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
}

}  // namespace

void FreeSslContext::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

Result<SslContextHandle> make_ssl_context(TlsRole role, TlsVersion min_version) {
    SslContextHandle context(
        SSL_CTX_new(role == TlsRole::server ? TLS_server_method() : TLS_client_method()));
    if (!context) return openssl_failure();
    SSL_CTX* raw = context.get();
    SSL_CTX_set_security_level(raw, security_level);
    const int lowest = min_version == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (SSL_CTX_set_min_proto_version(raw, lowest) != 1 ||
        SSL_CTX_set_max_proto_version(raw, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(raw, suites_tls_1_2) != 1 ||
        SSL_CTX_set_ciphersuites(raw, suites_tls_1_3) != 1 ||
        SSL_CTX_set1_groups_list(raw, groups) != 1 ||
        SSL_CTX_set1_sigalgs_list(raw, signature_algorithms) != 1) {
        return openssl_failure();
    }
    SSL_CTX_set_options(raw, options);
    SSL_CTX_set_mode(raw, modes);
    SSL_CTX_set_session_cache_mode(
        raw, SSL_SESS_CACHE_OFF);  // sessions rest with the client, in tickets
    SSL_CTX_set_max_cert_list(raw, peer_chain_bytes_max);
    SSL_CTX_set_verify_depth(raw, chain_depth_max);
    return context;
}

Result<void> present(ssl_ctx_st* context, const CertificatePair& pair, std::string_view source) {
    STACK_OF(X509)* chain = sk_X509_new_null();
    for (std::size_t i = 1; chain != nullptr && i < pair.chain.size(); ++i) {
        if (!self_signed(pair.chain[i].get())) sk_X509_push(chain, pair.chain[i].get());
    }
    const int result =
        SSL_CTX_use_cert_and_key(context, pair.chain.front().get(), pair.key.get(), chain, 1);
    sk_X509_free(chain);
    if (result == 1) return {};
    return fail(ErrorKind::invalid_argument, "tls.certificate_weak",
                std::string(source) + ": " + crypto::take_openssl_errors());
}

Result<void> trust(ssl_ctx_st* context, const std::vector<crypto::X509Handle>& anchors) {
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    for (const auto& anchor : anchors) {
        if (X509_STORE_add_cert(store, anchor.get()) != 1) return openssl_failure();
    }
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

}  // namespace gh::net
