#include "pki/extensions.hpp"

#include <openssl/core_names.h>

#include <array>
#include <string>

namespace gh::pki {
namespace {

using OctetsHandle = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;
using PointsHandle = std::unique_ptr<CRL_DIST_POINTS, FreeWith<CRL_DIST_POINTS_free>>;
using AccessHandle = std::unique_ptr<AUTHORITY_INFO_ACCESS, FreeWith<AUTHORITY_INFO_ACCESS_free>>;
using AuthorityIdHandle = std::unique_ptr<AUTHORITY_KEYID, FreeWith<AUTHORITY_KEYID_free>>;

std::vector<ExtensionHandle> make_leaf_extensions(Profile profile) {
    std::vector<ExtensionHandle> made;
    made.push_back(make_extension(NID_basic_constraints, "critical,CA:FALSE"));
    made.push_back(make_extension(NID_key_usage, "critical,digitalSignature"));
    made.push_back(make_extension(NID_ext_key_usage, std::string(rules_of(profile).usage).c_str()));
    return made;
}

bool set_url(GENERAL_NAME* name, const std::string& url) {
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    if (value == nullptr) return false;
    GENERAL_NAME_set0_value(name, GEN_URI, value);
    return ASN1_STRING_set(value, url.data(), static_cast<int>(url.size())) == 1;
}

bool add_access(AUTHORITY_INFO_ACCESS* access, int method, const std::string& url) {
    ACCESS_DESCRIPTION* one = ACCESS_DESCRIPTION_new();
    if (one == nullptr || sk_ACCESS_DESCRIPTION_push(access, one) <= 0) {
        ACCESS_DESCRIPTION_free(one);
        return false;
    }
    ASN1_OBJECT_free(one->method);
    one->method = OBJ_nid2obj(method);
    return set_url(one->location, url);
}

bool on_p256(EVP_PKEY* key) {
    std::array<char, 16> group{};
    std::size_t size = 0;
    return EVP_PKEY_is_a(key, "EC") == 1 &&
           EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
           std::string_view(group.data(), size) == SN_X9_62_prime256v1;
}

/// RFC 5480 §2.1.1, §2.2: a named curve and the point. OpenSSL's own way writes the key and reads it back, which costs as much
/// as seven signatures.
bool write_p256_key(X509* certificate, EVP_PKEY* key) {
    constexpr std::size_t point_bytes_max = 65;
    std::size_t size = 0;
    auto* point = static_cast<unsigned char*>(OPENSSL_malloc(point_bytes_max));
    const bool good = EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point,
                                                      point_bytes_max, &size) == 1 &&
                      X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(certificate),
                                             OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                             OBJ_nid2obj(NID_X9_62_prime256v1), point,
                                             static_cast<int>(size)) == 1;
    if (!good) OPENSSL_free(point);
    return good;
}

}  // namespace

bool write_public_key(X509* certificate, EVP_PKEY* key) {
    return on_p256(key) ? write_p256_key(certificate, key) : X509_set_pubkey(certificate, key) == 1;
}

ExtensionHandle make_extension(int nid, const char* value) {
    return ExtensionHandle(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
}

bool add_extension(X509* certificate, const ExtensionHandle& extension) {
    return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

const std::vector<ExtensionHandle>& leaf_extensions(Profile profile) {
    static const std::array made{
        make_leaf_extensions(Profile::server), make_leaf_extensions(Profile::client),
        make_leaf_extensions(Profile::agent), make_leaf_extensions(Profile::infrastructure)};
    return made[static_cast<std::size_t>(profile)];
}

bool add_subject_key_id(X509* certificate) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    const OctetsHandle id(ASN1_OCTET_STRING_new());
    return id && X509_pubkey_digest(certificate, EVP_sha1(), digest.data(), &size) == 1 &&
           ASN1_OCTET_STRING_set(id.get(), digest.data(), static_cast<int>(size)) == 1 &&
           X509_add1_ext_i2d(certificate, NID_subject_key_identifier, id.get(), 0,
                             X509V3_ADD_DEFAULT) == 1;
}

ExtensionHandle authority_key_id(const X509* issuer) {
    const ASN1_OCTET_STRING* key_id = X509_get0_subject_key_id(const_cast<X509*>(issuer));
    const AuthorityIdHandle id(AUTHORITY_KEYID_new());
    if (key_id == nullptr || !id) return nullptr;
    id->keyid = ASN1_OCTET_STRING_dup(key_id);
    if (id->keyid == nullptr) return nullptr;
    return ExtensionHandle(X509V3_EXT_i2d(NID_authority_key_identifier, 0, id.get()));
}

std::string authority_key_id_of(const X509* certificate) {
    const AuthorityIdHandle id(static_cast<AUTHORITY_KEYID*>(
        X509_get_ext_d2i(certificate, NID_authority_key_identifier, nullptr, nullptr)));
    return id && id->keyid ? std::string(view(id->keyid)) : std::string();
}

ExtensionHandle distribution_point(const std::string& crl_url) {
    const PointsHandle points(CRL_DIST_POINTS_new());
    DIST_POINT* point = DIST_POINT_new();
    if (!points || point == nullptr || sk_DIST_POINT_push(points.get(), point) <= 0) {
        DIST_POINT_free(point);
        return nullptr;
    }
    point->distpoint = DIST_POINT_NAME_new();
    if (point->distpoint == nullptr) return nullptr;
    point->distpoint->type = 0;  // fullName
    point->distpoint->name.fullname = GENERAL_NAMES_new();
    GENERAL_NAME* name = GENERAL_NAME_new();
    if (point->distpoint->name.fullname == nullptr || name == nullptr ||
        sk_GENERAL_NAME_push(point->distpoint->name.fullname, name) <= 0) {
        GENERAL_NAME_free(name);
        return nullptr;
    }
    if (!set_url(name, crl_url)) return nullptr;
    return ExtensionHandle(X509V3_EXT_i2d(NID_crl_distribution_points, 0, points.get()));
}

ExtensionHandle information_access(const std::string& ocsp_url, const std::string& issuer_url) {
    const AccessHandle access(AUTHORITY_INFO_ACCESS_new());
    if (!access || !add_access(access.get(), NID_ad_OCSP, ocsp_url) ||
        !add_access(access.get(), NID_ad_ca_issuers, issuer_url)) {
        return nullptr;
    }
    return ExtensionHandle(X509V3_EXT_i2d(NID_info_access, 0, access.get()));
}

}  // namespace gh::pki
