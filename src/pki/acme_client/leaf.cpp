#include "pki/acme_client/leaf.hpp"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/try.hpp"
#include "codec/base64.hpp"
#include "crypto/digest.hpp"
#include "net/tls_context.hpp"
#include "pki/extensions.hpp"
#include "pki/openssl.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki::acme_client {
namespace {

using RequestHandle = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using OctetsHandle = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;
using ObjectHandle = std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>>;

constexpr const char* identifier_oid = "1.3.6.1.5.5.7.1.31";  // id-pe-acmeIdentifier
constexpr std::chrono::hours proof_lifetime{24};
constexpr std::chrono::minutes proof_backdate{60};

struct FreeExtensions {
    void operator()(STACK_OF(X509_EXTENSION) * list) const noexcept {
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    }
};
using ExtensionsHandle = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions>;

std::unexpected<Error> bad_chain(std::string why) {
    return fail(ErrorKind::corrupt, "acme_client.chain", "the CA's chain " + std::move(why));
}

/// subjectAltName of names that were judged when they were configured.
ExtensionHandle alternative_names(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) text += (text.empty() ? "DNS:" : ",DNS:") + name;
    return make_extension(NID_subject_alt_name, text.c_str());
}

/// RFC 8737 §3: critical, an OCTET STRING of the digest.
ExtensionHandle identifier_of(std::string_view key_authorization) {
    const auto digest = crypto::sha256(key_authorization);
    std::array<unsigned char, 34> octets{0x04, 0x20};
    std::ranges::copy(digest, octets.begin() + 2);
    const OctetsHandle value(ASN1_OCTET_STRING_new());
    const ObjectHandle oid(OBJ_txt2obj(identifier_oid, 1));
    if (!value || !oid ||
        ASN1_OCTET_STRING_set(value.get(), octets.data(), static_cast<int>(octets.size())) != 1)
        return nullptr;
    return ExtensionHandle(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 1, value.get()));
}

bool set_random_serial(X509* certificate) {
    const NumberHandle number(BN_new());
    return number && BN_rand(number.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

/// aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE (RFC 9773 §4.1)
std::string renewal_id_of(const X509* certificate) {
    const auto* key_id = X509_get0_authority_key_id(const_cast<X509*>(certificate));
    const auto* serial = X509_get0_serialNumber(certificate);
    if (key_id == nullptr) return {};
    unsigned char* der = nullptr;
    const int size = i2d_ASN1_INTEGER(const_cast<ASN1_INTEGER*>(serial), &der);
    if (size < 3) return {};
    // Behind tag and length, which is one octet for serials of at most 20 (RFC 5280 §4.1.2.2).
    const std::string octets(reinterpret_cast<const char*>(der) + 2,
                             static_cast<std::size_t>(size) - 2);
    OPENSSL_free(der);
    return codec::encode_base64url(view(key_id)) + "." + codec::encode_base64url(octets);
}

Leaf facts_of_leaf(const X509* certificate) {
    Leaf leaf;
    leaf.names = crypto::names_of(certificate).dns;
    std::ranges::sort(leaf.names);
    // No life is longer than a clock can count, whatever a CA writes.
    leaf.not_before = std::max(crypto::not_before_of(certificate), SystemTime{});
    leaf.not_after = crypto::not_after_of(certificate);
    leaf.renewal_id = renewal_id_of(certificate);
    return leaf;
}

bool key_fits(X509* certificate, EVP_PKEY* key) {
    const bool fits = X509_check_private_key(certificate, key) == 1;
    ERR_clear_error();
    return fits;
}

Result<void> judge_order(const std::vector<crypto::X509Handle>& chain) {
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
        auto* above = chain[i + 1].get();
        const bool issued = X509_check_issued(above, chain[i].get()) == X509_V_OK &&
                            X509_verify(chain[i].get(), X509_get0_pubkey(above)) == 1;
        ERR_clear_error();
        if (!issued) return bad_chain("is in disorder: one did not sign the one before it");
    }
    return {};
}

/// As a listener would.
Result<void> judge_use(const Leaf& leaf) {
    net::TlsServerSettings settings;
    settings.certificates.push_back({.cert_pem = leaf.chain_pem,
                                     .key_pem = std::string(crypto::text_of(leaf.key_pem.bytes())),
                                     .source = "ACME"});
    const auto made = net::TlsContext::make(settings, leaf.not_before);
    auto& key = settings.certificates.front().key_pem;
    crypto::wipe(key.data(), key.size());
    if (!made) return bad_chain("cannot be served: " + describe(made.error()));
    return {};
}

std::string pem_of(const std::vector<crypto::X509Handle>& chain) {
    std::string pem;
    for (const auto& each : chain) pem += crypto::to_pem(each.get());
    return pem;
}

crypto::Secret secret_of(EVP_PKEY* key) {
    auto text = crypto::to_pem(key);
    crypto::Secret secret(text);
    crypto::wipe(text.data(), text.size());
    return secret;
}

}  // namespace

crypto::KeyHandle make_key() {
    return crypto::KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
}

Result<std::string> signing_request_of(EVP_PKEY* key, const std::vector<std::string>& names) {
    const RequestHandle request(X509_REQ_new());
    auto extension = alternative_names(names);
    const ExtensionsHandle list(sk_X509_EXTENSION_new_null());
    if (!request || !extension || !list || sk_X509_EXTENSION_push(list.get(), extension.get()) <= 0)
        return openssl_failure();
    (void)extension.release();  // the list has it now
    if (X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_pubkey(request.get(), key) != 1 ||
        X509_REQ_add_extensions(request.get(), list.get()) != 1 ||
        X509_REQ_sign(request.get(), key, EVP_sha256()) <= 0)
        return openssl_failure();
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(request.get(), &der);
    if (size <= 0) return openssl_failure();
    std::string octets(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return octets;
}

Result<net::CertificateChain> make_tls_proof(const std::string& name,
                                             std::string_view key_authorization, SystemTime now) {
    const auto key = make_key();
    const crypto::X509Handle certificate(X509_new());
    if (!key || !certificate) return openssl_failure();
    auto* made = certificate.get();
    const TimeHandle from(ASN1_TIME_set(nullptr, unix_seconds(now - proof_backdate)));
    const TimeHandle until(ASN1_TIME_set(nullptr, unix_seconds(now + proof_lifetime)));
    auto* subject = X509_get_subject_name(made);
    const bool whole =
        from && until && X509_set_version(made, X509_VERSION_3) == 1 && set_random_serial(made) &&
        X509_set1_notBefore(made, from.get()) == 1 && X509_set1_notAfter(made, until.get()) == 1 &&
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>("ACME proof"), -1, -1,
                                   0) == 1 &&
        X509_set_issuer_name(made, subject) == 1 && X509_set_pubkey(made, key.get()) == 1 &&
        add_extension(made, alternative_names({name})) &&
        add_extension(made, identifier_of(key_authorization)) &&
        X509_sign(made, key.get(), EVP_sha256()) > 0;
    if (!whole) return openssl_failure();
    return net::CertificateChain{.cert_pem = crypto::to_pem(made),
                                 .key_pem = crypto::to_pem(key.get()),
                                 .source = "proof of " + name};
}

Result<Leaf> judge_chain(std::string_view chain_pem, EVP_PKEY* key,
                         const std::vector<std::string>& names, SystemTime now) {
    if (chain_pem.size() > chain_bytes_max) return bad_chain("is too long");
    const auto chain = crypto::read_certificates(chain_pem);
    if (!chain) return bad_chain("cannot be read: " + describe(chain.error()));
    if (chain->size() > chain_certificates_max) return bad_chain("has too many certificates");
    X509* first = chain->front().get();
    if (!key_fits(first, key)) return bad_chain("is for another key");
    auto leaf = facts_of_leaf(first);
    for (const auto& name : names) {
        if (std::ranges::find(leaf.names, name) == leaf.names.end())
            return bad_chain("is not for " + name);
    }
    if (now >= leaf.not_after) return bad_chain("is of the past");
    if (leaf.not_before > now + start_ahead_max)
        return bad_chain("begins in the future; see that the clock is right");
    if (X509_check_ca(first) == 1) return bad_chain("begins with an authority");
    GH_TRY_VOID(judge_order(*chain));
    leaf.chain_pem = pem_of(*chain);
    leaf.key_pem = secret_of(key);
    GH_TRY_VOID(judge_use(leaf));
    return leaf;
}

crypto::Secret sealed_text_of(const Leaf& leaf) {
    std::string both;
    both.reserve(leaf.key_pem.size() + leaf.chain_pem.size());
    both += crypto::text_of(leaf.key_pem.bytes());
    both += leaf.chain_pem;
    crypto::Secret text(both);
    crypto::wipe(both.data(), both.size());
    return text;
}

Result<Leaf> leaf_of_text(const crypto::Secret& text) {
    const auto pem = crypto::text_of(text.bytes());
    const auto key = crypto::read_private_key(pem);
    const auto chain = crypto::read_certificates(pem);
    if (!key || !chain || !key_fits(chain->front().get(), key->get())) {
        return fail(ErrorKind::corrupt, "acme_client.leaf",
                    "the kept certificate of the CA cannot be read");
    }
    auto leaf = facts_of_leaf(chain->front().get());
    leaf.chain_pem = pem_of(*chain);
    leaf.key_pem = secret_of(key->get());
    GH_TRY_VOID(judge_use(leaf));
    return leaf;
}

}  // namespace gh::pki::acme_client
