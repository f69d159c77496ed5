#include "pki/authority.hpp"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/try.hpp"
#include "pki/host_names.hpp"

namespace gh::pki {
namespace {

using crypto::KeyHandle;
using crypto::X509Handle;

template <auto free_function>
struct FreeWith {
    template <class T>
    void operator()(T* object) const noexcept {
        free_function(object);
    }
};
using NumberHandle = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
using IntegerHandle = std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>>;
using NamesHandle = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
using ExtensionHandle = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

constexpr std::size_t common_name_characters_max = 64;  // ub-common-name, RFC 5280 appendix A.1

std::unexpected<Error> openssl_failure() {
    return fail(ErrorKind::internal, "ca.openssl", crypto::take_openssl_errors());
}

std::time_t unix_seconds(SystemTime time) { return std::chrono::system_clock::to_time_t(time); }

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

/// For values that are ours; what comes from a request never passes through this little language.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_name(GENERAL_NAMES* names, int type, std::string_view octets) {
    GENERAL_NAME* name = GENERAL_NAME_new();
    if (name == nullptr) return false;
    ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (value == nullptr ||
        ASN1_STRING_set(value, octets.data(), static_cast<int>(octets.size())) != 1 ||
        sk_GENERAL_NAME_push(names, name) <= 0) {
        ASN1_STRING_free(value);
        GENERAL_NAME_free(name);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    return true;
}

/// Network order, 4 or 16; empty when `text` is no address.
std::string octets_of(const std::string& text) {
    std::string octets(16, '\0');
    if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return octets.substr(0, 4);
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
    return {};
}

bool add_alternative_names(X509* certificate, const crypto::CertificateNames& names) {
    const NamesHandle list(GENERAL_NAMES_new());
    if (!list) return false;
    for (const auto& name : names.dns) {
        if (!add_name(list.get(), GEN_DNS, name)) return false;
    }
    for (const auto& address : names.addresses) {
        if (!add_name(list.get(), GEN_IPADD, octets_of(address))) return false;
    }
    for (const auto& uri : names.uris) {
        if (!add_name(list.get(), GEN_URI, uri)) return false;
    }
    if (sk_GENERAL_NAME_num(list.get()) == 0) return true;
    // Critical where nothing else names the subject (RFC 5280 §4.2.1.6).
    const int critical = X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0 ? 1 : 0;
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), critical,
                             X509V3_ADD_DEFAULT) == 1;
}

bool printable(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '\x7f'; });
}

Result<void> check_names(const LeafRequest& request) {
    constexpr std::size_t uri_bytes_max = 2048;
    const auto invalid = [](const std::string& name) {
        return fail(ErrorKind::invalid_argument, "ca.name_invalid", "'" + name + "'");
    };
    const auto& names = request.names;
    for (const auto& name : names.dns) {
        if (!valid_dns_name(name)) return invalid(name);
    }
    for (const auto& address : names.addresses) {
        if (octets_of(address).empty()) return invalid(address);
    }
    for (const auto& uri : names.uris) {
        const bool ascii = std::ranges::all_of(uri, [](char c) { return c > ' ' && c < '\x7f'; });
        if (!ascii || !uri.contains(':') || uri.size() > uri_bytes_max) return invalid(uri);
    }
    if (request.common_name.size() > common_name_characters_max ||
        !printable(request.common_name)) {
        return invalid(request.common_name);
    }
    const bool nothing_for_servers = names.dns.empty() && names.addresses.empty();
    const bool nothing_at_all =
        nothing_for_servers && names.uris.empty() && request.common_name.empty();
    if (request.profile == Profile::server ? nothing_for_servers : nothing_at_all) {
        return fail(ErrorKind::invalid_argument, "ca.name_missing",
                    "a certificate must name someone");
    }
    return {};
}

/// The one that was asked for, else the first name that fits.
std::string common_name_for(const LeafRequest& request) {
    if (!request.common_name.empty()) return request.common_name;
    for (const auto* list : {&request.names.dns, &request.names.addresses, &request.names.uris}) {
        if (!list->empty())
            return list->front().size() <= common_name_characters_max ? list->front() : "";
    }
    return {};
}

bool fill_root(X509* root, EVP_PKEY* key, const RootRequest& request, SystemTime now) {
    const auto constraints = "critical,CA:TRUE,pathlen:" + std::to_string(request.path_length_max);
    return X509_set_version(root, X509_VERSION_3) == 1 && set_random_serial(root) &&
           set_times(root, now - request.backdate, now + request.lifetime) &&
           set_common_name(root, request.common_name) &&
           X509_set_issuer_name(root, X509_get_subject_name(root)) == 1 &&
           X509_set_pubkey(root, key) == 1 &&
           add_extension(root, root, NID_basic_constraints, constraints.c_str()) &&
           add_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(root, root, NID_subject_key_identifier, "hash") &&
           X509_sign(root, key, EVP_sha256()) > 0;
}

bool fill_leaf(X509* leaf, EVP_PKEY* key, X509* issuer, const LeafRequest& request) {
    const char* usage = request.profile == Profile::server ? "serverAuth" : "clientAuth";
    return X509_set_version(leaf, X509_VERSION_3) == 1 && set_random_serial(leaf) &&
           set_common_name(leaf, common_name_for(request)) &&
           X509_set_issuer_name(leaf, X509_get_subject_name(issuer)) == 1 &&
           X509_set_pubkey(leaf, key) == 1 &&
           add_extension(leaf, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(leaf, issuer, NID_key_usage, "critical,digitalSignature") &&
           add_extension(leaf, issuer, NID_ext_key_usage, usage) &&
           add_extension(leaf, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(leaf, issuer, NID_authority_key_identifier, "keyid:always") &&
           add_alternative_names(leaf, request.names);
}

}  // namespace

Authority::Authority(KeyHandle key, X509Handle certificate)
    : key_(std::move(key)),
      certificate_(std::move(certificate)),
      certificate_pem_(crypto::to_pem(certificate_.get())) {}

Result<Authority> Authority::create(const RootRequest& request, SystemTime now) {
    KeyHandle key(EVP_EC_gen("P-256"));
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

Result<IssuedCertificate> Authority::issue(const LeafRequest& request, SystemTime now) const {
    GH_TRY_VOID(check_names(request));
    if (now >= not_after())
        return fail(ErrorKind::unavailable, "ca.expired", "the authority's certificate has ended");
    const KeyHandle key(EVP_EC_gen("P-256"));
    const X509Handle leaf(X509_new());
    const auto not_after = std::min<SystemTime>(now + request.lifetime, this->not_after());
    if (!key || !leaf || !fill_leaf(leaf.get(), key.get(), certificate_.get(), request) ||
        !set_times(leaf.get(), now - request.backdate, not_after) ||
        X509_sign(leaf.get(), key_.get(), EVP_sha256()) <= 0) {
        return openssl_failure();
    }
    return IssuedCertificate{.chain_pem = crypto::to_pem(leaf.get()),
                             .key_pem = crypto::to_pem(key.get()),
                             .not_before = crypto::not_before_of(leaf.get()),
                             .not_after = crypto::not_after_of(leaf.get()),
                             .serial = crypto::serial_of(leaf.get()),
                             .fingerprint = crypto::fingerprint_of(leaf.get())};
}

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
