#include "pki/extensions.hpp"

#include <array>
#include <string>

namespace gh::pki {
namespace {

using OctetsHandle = std::unique_ptr<ASN1_OCTET_STRING, FreeWith<ASN1_OCTET_STRING_free>>;
using AuthorityIdHandle = std::unique_ptr<AUTHORITY_KEYID, FreeWith<AUTHORITY_KEYID_free>>;

std::vector<ExtensionHandle> make_leaf_extensions(Profile profile) {
    std::vector<ExtensionHandle> made;
    made.push_back(make_extension(NID_basic_constraints, "critical,CA:FALSE"));
    made.push_back(make_extension(NID_key_usage, "critical,digitalSignature"));
    made.push_back(make_extension(NID_ext_key_usage, std::string(rules_of(profile).usage).c_str()));
    return made;
}

}  // namespace

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

}  // namespace gh::pki
