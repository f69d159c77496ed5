#include "pki/acme/tls_proof.hpp"

#include <openssl/err.h>

#include <string>

#include "crypto/digest.hpp"
#include "pki/lower.hpp"
#include "pki/openssl.hpp"

namespace gh::pki::acme {
namespace {

constexpr const char* identifier_oid = "1.3.6.1.5.5.7.1.31";  // id-pe-acmeIdentifier

std::unexpected<Error> wrong(std::string why) {
    return fail(ErrorKind::invalid_argument, "acme.response", "the certificate " + std::move(why));
}

/// One entry in subjectAltName, and it is this DNS name.
bool names_only(const X509* certificate, std::string_view name) {
    const NamesHandle names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    if (!names || sk_GENERAL_NAME_num(names.get()) != 1) return false;
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), 0), &type);
    if (type != GEN_DNS) return false;
    return lower(view(static_cast<const ASN1_STRING*>(value))) == name;
}

/// OCTET STRING of 32 octets (RFC 8737 §3), once and critical.
bool carries(const X509* certificate, std::string_view key_authorization) {
    using ObjectHandle = std::unique_ptr<ASN1_OBJECT, FreeWith<ASN1_OBJECT_free>>;
    const ObjectHandle oid(OBJ_txt2obj(identifier_oid, 1));
    const int at = X509_get_ext_by_OBJ(certificate, oid.get(), -1);
    if (at < 0 || X509_get_ext_by_OBJ(certificate, oid.get(), at) >= 0) return false;
    auto* extension = X509_get_ext(certificate, at);
    const auto digest = crypto::sha256(key_authorization);
    const auto wanted = std::string("\x04\x20") + std::string(crypto::text_of(digest));
    return X509_EXTENSION_get_critical(extension) == 1 &&
           view(X509_EXTENSION_get_data(extension)) == wanted;
}

}  // namespace

Result<void> check_tls_proof(X509* certificate, std::string_view name,
                             std::string_view key_authorization) {
    const bool self_signed = X509_self_signed(certificate, 1) == 1;
    const bool named = names_only(certificate, name);
    ERR_clear_error();
    if (!self_signed) return wrong("is not self-signed");
    if (!named) return wrong("is not for this name alone");
    if (!carries(certificate, key_authorization))
        return wrong("does not carry this key authorization in acmeIdentifier");
    return {};
}

}  // namespace gh::pki::acme
