#include "net/memory_handshake.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "net/peer_certificate.hpp"

namespace gh::net {
namespace {

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    EXPECT_EQ(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void add_uris(X509* certificate, const std::vector<std::string>& uris) {
    GENERAL_NAMES* names = sk_GENERAL_NAME_new_null();
    for (const auto& uri : uris) {
        ASN1_IA5STRING* text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
        GENERAL_NAME* name = GENERAL_NAME_new();
        GENERAL_NAME_set0_value(name, GEN_URI, text);
        sk_GENERAL_NAME_push(names, name);
    }
    EXPECT_EQ(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT),
              1);
    GENERAL_NAMES_free(names);
}

void set_facts(X509* certificate, const CertificateRequest& request) {
    X509_set_version(certificate, X509_VERSION_3);
    BIGNUM* serial = BN_new();
    BN_rand(serial, 128, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate));
    BN_free(serial);
    const auto begin = right_now() - request.age - std::chrono::minutes(1);
    ASN1_TIME_set(X509_getm_notBefore(certificate), std::chrono::system_clock::to_time_t(begin));
    ASN1_TIME_set(X509_getm_notAfter(certificate),
                  std::chrono::system_clock::to_time_t(begin + request.lifetime));
    if (request.common_name.empty()) return;
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(request.common_name.c_str()),
                               -1, -1, 0);
}

std::string names_text(const crypto::CertificateNames& names) {
    std::string text;
    const auto add = [&](std::string_view kind, const std::vector<std::string>& list) {
        for (const auto& name : list)
            text.append(text.empty() ? "" : ",").append(kind).append(name);
    };
    add("DNS:", names.dns);
    add("IP:", names.addresses);
    add("URI:", names.uris);
    return text;
}

/// One turn of one end: the handshake, and once that is done whatever the other end sends behind it.
void step(SSL* ssl, bool& done, std::string& failure) {
    if (!failure.empty()) return;
    char byte = 0;
    const int result = done ? SSL_read(ssl, &byte, 1) : SSL_do_handshake(ssl);
    if (!done && result == 1) {
        done = true;
        return;
    }
    const int error = SSL_get_error(ssl, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
        failure = handshake_failure(ssl);
}

std::string wire_form(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const auto& name : protocols) {
        wire += static_cast<char>(name.size());
        wire += name;
    }
    return wire;
}

}  // namespace

CertificateChain make_certificate(const CertificateRequest& request,
                                  const CertificateChain* issuer) {
    const crypto::KeyHandle key(request.rsa_bits > 0
                                    ? EVP_RSA_gen(static_cast<unsigned>(request.rsa_bits))
                                    : EVP_EC_gen("P-256"));
    const crypto::X509Handle certificate(X509_new());
    X509* raw = certificate.get();
    set_facts(raw, request);
    X509_set_pubkey(raw, key.get());
    crypto::X509Handle above;
    crypto::KeyHandle issuer_key;
    if (issuer != nullptr) {
        above = std::move(crypto::read_certificates(issuer->cert_pem).value().front());
        issuer_key = crypto::read_private_key(issuer->key_pem).value();
    }
    X509* signer = above ? above.get() : raw;
    X509_set_issuer_name(raw, X509_get_subject_name(signer));
    const bool authority = request.purpose == Purpose::authority;
    add_extension(raw, signer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "CA:FALSE");
    add_extension(raw, signer, NID_subject_key_identifier, "hash");
    if (issuer != nullptr) {
        add_extension(raw, signer, NID_authority_key_identifier, "keyid:always");
    }
    if (request.purpose == Purpose::server)
        add_extension(raw, signer, NID_ext_key_usage, "serverAuth");
    if (request.purpose == Purpose::client)
        add_extension(raw, signer, NID_ext_key_usage, "clientAuth");
    if (!request.raw_uris.empty()) {
        add_uris(raw, request.raw_uris);
    } else if (const auto names = names_text(request.names); !names.empty()) {
        add_extension(raw, signer, NID_subject_alt_name, names);
    }
    EXPECT_GT(X509_sign(raw, issuer_key ? issuer_key.get() : key.get(), EVP_sha256()), 0);
    return {.cert_pem = crypto::to_pem(raw),
            .key_pem = crypto::to_pem(key.get()),
            .source = "test.pem"};
}

SslHandle AnyClient::new_session() const {
    const SslContextHandle context(SSL_CTX_new(TLS_client_method()));
    SSL_CTX* raw = context.get();
    SSL_CTX_set_security_level(raw, 0);
    SSL_CTX_set_min_proto_version(raw, min_version);
    SSL_CTX_set_max_proto_version(raw, max_version);
    EXPECT_EQ(SSL_CTX_set_cipher_list(raw, suites.empty() ? "ALL" : suites.c_str()), 1) << suites;
    if (!groups.empty()) {
        EXPECT_EQ(SSL_CTX_set1_groups_list(raw, groups.c_str()), 1);
    }
    if (certificate) {
        EXPECT_TRUE(present(raw, read_pair(*certificate).value(), "test"));
    }
    SslHandle ssl(SSL_new(raw));
    SSL_set_connect_state(ssl.get());
    const auto wire = wire_form(alpn);
    SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
    if (!server_name.empty()) SSL_set_tlsext_host_name(ssl.get(), server_name.c_str());
    if (session != nullptr) SSL_set_session(ssl.get(), session);
    return ssl;
}

Handshake shake_hands(SslHandle server, SslHandle client) {
    Handshake result{.server = std::move(server), .client = std::move(client)};
    BIO* server_end = nullptr;
    BIO* client_end = nullptr;
    constexpr std::size_t buffer_bytes = 256 * 1024;
    EXPECT_EQ(BIO_new_bio_pair(&server_end, buffer_bytes, &client_end, buffer_bytes), 1);
    SSL_set_bio(result.server.get(), server_end, server_end);
    SSL_set_bio(result.client.get(), client_end, client_end);
    constexpr int turns = 8;  // a handshake takes three, tickets and late alerts one more
    for (int turn = 0; turn < turns; ++turn) {
        step(result.client.get(), result.client_done, result.client_failure);
        step(result.server.get(), result.server_done, result.server_failure);
    }
    return result;
}

std::string Handshake::alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
}

std::string Handshake::served() const {
    const X509* certificate = SSL_get0_peer_certificate(client.get());
    return certificate != nullptr ? crypto::fingerprint_of(certificate) : std::string();
}

SessionHandle resumable_session(const Handshake& handshake) {
    // A copy: OpenSSL spoils the session of a connection that goes without a close_notify.
    SessionHandle session(SSL_SESSION_dup(SSL_get0_session(handshake.client.get())));
    return session && SSL_SESSION_has_ticket(session.get()) == 1 ? std::move(session) : nullptr;
}

std::string fingerprint_of(const CertificateChain& chain) {
    return crypto::fingerprint_of(crypto::read_certificates(chain.cert_pem).value().front().get());
}

}  // namespace gh::net
