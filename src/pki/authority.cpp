#include "pki/authority.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <utility>

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "crypto/digest.hpp"
#include "pki/extensions.hpp"
#include "pki/openssl.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {
namespace {

using crypto::KeyHandle;
using crypto::KeyKind;
using crypto::X509Handle;

constexpr unsigned rsa_leaf_bits = 3072;

bool set_random_serial(X509* certificate) {
    const NumberHandle number(BN_new());
    if (!number || BN_rand(number.get(), 128, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) != 1)
        return false;
    const IntegerHandle serial(BN_to_ASN1_INTEGER(number.get(), nullptr));
    return serial && X509_set_serialNumber(certificate, serial.get()) == 1;
}

bool set_times(X509* certificate, SystemTime not_before, SystemTime not_after) {
    return ASN1_TIME_set(X509_getm_notBefore(certificate), unix_seconds(not_before)) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), unix_seconds(not_after)) != nullptr;
}

bool set_common_name(X509* certificate, const std::string& name) {
    if (name.empty()) return true;
    return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                      MBSTRING_UTF8,
                                      reinterpret_cast<const unsigned char*>(name.data()),
                                      static_cast<int>(name.size()), -1, 0) == 1;
}

/// The one that was asked for, else the first name that fits. No address: OpenSSL takes it for a host name, which the
/// constraints of names may not permit.
std::string common_name_for(const LeafRequest& request) {
    if (!request.common_name.empty()) return request.common_name;
    for (const auto* list : {&request.names.dns, &request.names.uris}) {
        if (!list->empty())
            return list->front().size() <= common_name_characters_max ? list->front() : "";
    }
    return {};
}

/// What every certificate begins with; its key comes next.
bool begin(X509* certificate, const std::string& common_name, const X509* issuer) {
    return X509_set_version(certificate, X509_VERSION_3) == 1 && set_random_serial(certificate) &&
           set_common_name(certificate, common_name) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1;
}

/// An intermediate signs OCSP answers, too, which digitalSignature is for (RFC 5280 §4.2.1.3).
bool add_authority_extensions(X509* certificate, int path_length, const char* usage) {
    const auto constraints = "critical,CA:TRUE,pathlen:" + std::to_string(path_length);
    return add_extension(certificate, make_extension(NID_basic_constraints, constraints.c_str())) &&
           add_extension(certificate, make_extension(NID_key_usage, usage)) &&
           add_subject_key_id(certificate);
}

bool fill_root(X509* root, EVP_PKEY* key, const RootRequest& request, SystemTime now) {
    return begin(root, request.common_name, root) && X509_set_pubkey(root, key) == 1 &&
           X509_set_issuer_name(root, X509_get_subject_name(root)) == 1 &&
           set_times(root, now - backdate, now + request.lifetime) &&
           add_authority_extensions(root, request.path_length_max,
                                    "critical,keyCertSign,cRLSign") &&
           X509_sign(root, key, EVP_sha256()) > 0;
}

KeyHandle make_key(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa: return KeyHandle(EVP_RSA_gen(rsa_leaf_bits));
        case KeyKind::ed25519: return KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
        case KeyKind::ec_p384: return KeyHandle(EVP_EC_gen("P-384"));
        case KeyKind::ec_p521: return KeyHandle(EVP_EC_gen("P-521"));
        case KeyKind::ec_p256: break;
    }
    return KeyHandle(EVP_EC_gen("P-256"));
}

KeyHandle share(EVP_PKEY* key) {
    EVP_PKEY_up_ref(key);
    return KeyHandle(key);
}

Result<seconds> lifetime_of(const LeafRequest& request) {
    const auto& rules = rules_of(request.profile);
    const auto wanted = request.lifetime.value_or(rules.lifetime);
    if (wanted <= seconds{0} || wanted > rules.lifetime_max) {
        return fail(ErrorKind::invalid_argument, "ca.lifetime",
                    "a certificate of the profile " + std::string(rules.name) + " lives at most " +
                        std::to_string(rules.lifetime_max / std::chrono::hours{1}) + "h");
    }
    return wanted;
}

}  // namespace

struct Authority::Extensions {
    ExtensionHandle authority_key_id;
    std::vector<ExtensionHandle> published;  // CRL distribution point, authority information access
};

Publication Publication::below(std::string base) {
    while (base.ends_with('/')) base.pop_back();
    return {.crl_url = base + "/pki/crl",
            .ocsp_url = base + "/pki/ocsp",
            .issuer_url = base + "/pki/issuer.crt",
            .root_crl_url = base + "/pki/root.crl"};
}

Authority::Authority(KeyHandle key, X509Handle certificate)
    : key_(std::move(key)),
      certificate_(std::move(certificate)),
      certificate_pem_(crypto::to_pem(certificate_.get())),
      extensions_(std::make_shared<Extensions>()) {
    key_id_ = crypto::key_id_of(certificate_.get());
    extensions_->authority_key_id = authority_key_id(certificate_.get());
}

Result<Authority> Authority::create(const RootRequest& request, SystemTime now) {
    KeyHandle key = make_key(KeyKind::ec_p256);
    X509Handle root(X509_new());
    if (!key || !root || !fill_root(root.get(), key.get(), request, now)) return openssl_failure();
    return Authority(std::move(key), std::move(root));
}

Result<Authority> Authority::restore(const crypto::Secret& secret_pem) {
    const auto pem = crypto::text_of(secret_pem.bytes());
    const auto unreadable = [](const Error& error) {
        return fail(ErrorKind::corrupt, "ca.unreadable", describe(error));
    };
    auto key = crypto::read_private_key(pem);
    if (!key) return unreadable(key.error());
    auto certificates = crypto::read_certificates(pem);
    if (!certificates) return unreadable(certificates.error());
    auto& certificate = certificates->front();
    if (X509_check_private_key(certificate.get(), key->get()) != 1) {
        ERR_clear_error();
        return fail(ErrorKind::corrupt, "ca.key_mismatch",
                    "key and certificate do not belong together");
    }
    if (X509_check_ca(certificate.get()) != 1) {
        return fail(ErrorKind::corrupt, "ca.not_an_authority",
                    "the certificate may not sign others");
    }
    return Authority(std::move(*key), std::move(certificate));
}

Result<Authority> Authority::sign_intermediate(const IntermediateRequest& request,
                                               const Authority* renewed, SystemTime now) const {
    if (now >= not_after())
        return fail(ErrorKind::unavailable, "ca.expired", "the root's certificate has ended");
    KeyHandle key = renewed ? share(renewed->key_.get()) : make_key(KeyKind::ec_p256);
    X509Handle made(X509_new());
    const auto end = std::min<SystemTime>(now + request.lifetime, not_after());
    if (!key || !made || !begin(made.get(), request.common_name, certificate_.get()) ||
        X509_set_pubkey(made.get(), key.get()) != 1 ||
        !set_times(made.get(), now - backdate, end) ||
        !add_authority_extensions(made.get(), 0, "critical,digitalSignature,keyCertSign,cRLSign") ||
        !add_extension(made.get(), extensions_->authority_key_id) ||
        !add_constraints(made.get(), request.constraints) ||
        (!request.crl_url.empty() &&
         !add_extension(made.get(), distribution_point(request.crl_url))) ||
        X509_sign(made.get(), key_.get(), EVP_sha256()) <= 0) {
        return openssl_failure();
    }
    return Authority(std::move(key), std::move(made));
}

void Authority::publish_at(const Publication& publication) {
    extensions_->published.clear();
    extensions_->published.push_back(distribution_point(publication.crl_url));
    extensions_->published.push_back(
        information_access(publication.ocsp_url, publication.issuer_url));
}

Result<IssuedCertificate> Authority::issue(const LeafRequest& request, SystemTime now) const {
    GH_TRY_VOID(check_names(request.profile, request.common_name, request.names));
    const KeyHandle key = make_key(request.key);
    if (!key) return openssl_failure();
    GH_TRY(auto issued, issue(request, key.get(), now));
    issued.key_pem = crypto::to_pem(key.get());
    return issued;
}

Result<IssuedCertificate> Authority::issue(const LeafRequest& request, EVP_PKEY* key,
                                           SystemTime now) const {
    GH_TRY_VOID(check_names(request.profile, request.common_name, request.names));
    GH_TRY(const auto lifetime, lifetime_of(request));
    if (now >= not_after())
        return fail(ErrorKind::unavailable, "ca.expired", "the authority's certificate has ended");
    const X509Handle leaf(X509_new());
    const auto end = std::min<SystemTime>(now + lifetime, not_after());
    const auto add = [&leaf](const ExtensionHandle& each) {
        return add_extension(leaf.get(), each);
    };
    if (!leaf || !begin(leaf.get(), common_name_for(request), certificate_.get()) ||
        !write_public_key(leaf.get(), key) || !set_times(leaf.get(), now - backdate, end) ||
        !std::ranges::all_of(leaf_extensions(request.profile), add) ||
        !add_subject_key_id(leaf.get()) || !add(extensions_->authority_key_id) ||
        !add_alternative_names(leaf.get(), request.names) ||
        !std::ranges::all_of(extensions_->published, add)) {
        return openssl_failure();
    }
    if (X509_sign(leaf.get(), key_.get(), EVP_sha256()) <= 0) return openssl_failure();
    GH_TRY_VOID(check_constraints(leaf.get(), certificate_.get()));  // nobody has seen it yet
    IssuedCertificate issued;
    const auto der = crypto::to_der(leaf.get());
    static_cast<CertificateFacts&>(issued) = facts_of(leaf.get(), der, request.profile);
    issued.chain_pem = crypto::certificate_pem(der) + std::string(chain_pem());
    return issued;
}

CertificateFacts facts_of(const X509* certificate, std::string_view der, Profile profile) {
    return {.serial = crypto::serial_of(certificate),
            .issuer_key_id = codec::encode_hex(authority_key_id_of(certificate)),
            .common_name = crypto::common_name_of(certificate),
            .names = crypto::names_of(certificate),
            .profile = profile,
            .fingerprint = crypto::sha256_hex(der),
            .not_before = crypto::not_before_of(certificate),
            .not_after = crypto::not_after_of(certificate)};
}

std::string Authority::certificate_der() const { return crypto::to_der(certificate_.get()); }

std::string_view Authority::chain_pem() const {
    const bool root = X509_NAME_cmp(X509_get_subject_name(certificate_.get()),
                                    X509_get_issuer_name(certificate_.get())) == 0;
    return root ? std::string_view() : std::string_view(certificate_pem_);
}

SystemTime Authority::not_before() const { return crypto::not_before_of(certificate_.get()); }
SystemTime Authority::not_after() const { return crypto::not_after_of(certificate_.get()); }
std::string Authority::fingerprint() const { return crypto::fingerprint_of(certificate_.get()); }

bool Authority::signed_by_us(X509* certificate) const {
    const bool ours = X509_verify(certificate, key_.get()) == 1;
    ERR_clear_error();
    return ours;
}

crypto::Secret Authority::secret_pem() const {
    auto text = crypto::to_pem(key_.get());
    text.reserve(text.size() + certificate_pem_.size());
    text += certificate_pem_;
    crypto::Secret secret(text);
    crypto::wipe(text.data(), text.size());
    return secret;
}

}  // namespace gh::pki
