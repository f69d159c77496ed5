#include "pki/signing_request.hpp"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "base/try.hpp"
#include "crypto/digest.hpp"
#include "crypto/public_key.hpp"
#include "pki/lower.hpp"
#include "pki/openssl.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {
namespace {

using RequestHandle = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
struct FreeExtensions {
    void operator()(STACK_OF(X509_EXTENSION) * list) const noexcept {
        sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    }
};
using ExtensionsHandle = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions>;
using ConstraintsHandle = std::unique_ptr<BASIC_CONSTRAINTS, FreeWith<BASIC_CONSTRAINTS_free>>;

using PssHandle = std::unique_ptr<RSA_PSS_PARAMS, FreeWith<RSA_PSS_PARAMS_free>>;

constexpr int attributes_max = 8;

std::unexpected<Error> refuse(std::string_view reason, std::string detail) {
    ERR_clear_error();
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

Result<RequestHandle> read_der(std::string_view der) {
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = at + der.size();
    RequestHandle request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size())));
    if (!request || at != end) return refuse("csr.malformed", "this is no PKCS #10 request");
    return request;
}

Result<RequestHandle> read_pem(std::string_view pem) {
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    char* label = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &label, &header, &data, &size) != 1)
        return refuse("csr.malformed", "this is no PEM");
    const std::string_view kind = label;
    const bool request = kind == PEM_STRING_X509_REQ || kind == PEM_STRING_X509_REQ_OLD;
    const std::string der(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));  // somebody may have sent a key
    const auto first = pem.find("-----END ");
    const bool more = pem.find("-----BEGIN ", first) != std::string_view::npos;
    if (!request || more) return refuse("csr.malformed", "wanted one CERTIFICATE REQUEST");
    return read_der(der);
}

/// Curves are named (RFC 5480 §2.1.1): one that is spelled out would stand so in the certificate, where clients refuse it or
/// worse.
bool spells_out_its_curve(EVP_PKEY* key) {
    int spelled_out = 0;
    return EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                  &spelled_out) == 1 &&
           spelled_out != 0;
}

/// Through its text, so that it is judged as any other key.
Result<crypto::KeyHandle> judged_key(X509_REQ* request) {
    EVP_PKEY* key = X509_REQ_get0_pubkey(request);
    const BioHandle bio(BIO_new(BIO_s_mem()));
    if (key == nullptr || !bio || spells_out_its_curve(key) ||
        PEM_write_bio_PUBKEY(bio.get(), key) != 1)
        return refuse("key.unsupported", "RSA, P-256, P-384, P-521 or Ed25519");
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    GH_TRY_VOID(crypto::PublicKey::from_pem({data, static_cast<std::size_t>(size)}));
    EVP_PKEY_up_ref(key);
    return crypto::KeyHandle(key);
}

/// Its hash stands in its parameters, and is SHA-1 where none does (RFC 8017 appendix A.2.3).
bool sound_pss(const X509_REQ* request) {
    const X509_ALGOR* algorithm = nullptr;
    X509_REQ_get0_signature(request, nullptr, &algorithm);
    const ASN1_OBJECT* name = nullptr;
    int type = 0;
    const void* value = nullptr;
    X509_ALGOR_get0(&name, &type, &value, algorithm);
    if (type != V_ASN1_SEQUENCE) return false;
    const auto der = view(static_cast<const ASN1_STRING*>(value));
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const PssHandle parameters(d2i_RSA_PSS_PARAMS(nullptr, &at, static_cast<long>(der.size())));
    if (!parameters || parameters->hashAlgorithm == nullptr) return false;
    const ASN1_OBJECT* hash = nullptr;
    X509_ALGOR_get0(&hash, nullptr, nullptr, parameters->hashAlgorithm);
    constexpr std::array taken{NID_sha256, NID_sha384, NID_sha512};
    return std::ranges::find(taken, OBJ_obj2nid(hash)) != taken.end();
}

bool sound_algorithm(const X509_REQ* request) {
    constexpr std::array taken{NID_ecdsa_with_SHA256,
                               NID_ecdsa_with_SHA384,
                               NID_ecdsa_with_SHA512,
                               NID_sha256WithRSAEncryption,
                               NID_sha384WithRSAEncryption,
                               NID_sha512WithRSAEncryption,
                               NID_ED25519};
    const int nid = X509_REQ_get_signature_nid(request);
    if (nid == NID_rsassaPss) return sound_pss(request);
    return std::ranges::find(taken, nid) != taken.end();
}

Result<std::string> common_name_in(X509_REQ* request) {
    const X509_NAME* subject = X509_REQ_get_subject_name(request);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return std::string();
    unsigned char* utf8 = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (size < 0) return refuse("csr.name", "the common name is no text");
    std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
    OPENSSL_free(utf8);
    const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; };
    if (text.size() > common_name_characters_max || std::ranges::any_of(text, control))
        return refuse("csr.name", "the common name is too long or holds control characters");
    return text;
}

Result<void> add_name(const GENERAL_NAME* name, crypto::CertificateNames& names) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_URI && type != GEN_IPADD)
        return refuse("csr.name", "taken are DNS names, URIs and addresses");
    auto text = std::string(view(static_cast<const ASN1_STRING*>(value)));
    if (type == GEN_IPADD) {
        std::array<char, INET6_ADDRSTRLEN> address{};
        if (text.size() != 4 && text.size() != 16)
            return refuse("csr.name", "an address has 4 or 16 octets");
        ::inet_ntop(text.size() == 4 ? AF_INET : AF_INET6, text.data(), address.data(),
                    address.size());
        names.addresses.emplace_back(address.data());
        return {};
    }
    if (text.empty() || !std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; }))
        return refuse("csr.name", "a name holds what is no printable ASCII");
    if (type == GEN_URI) {
        names.uris.push_back(std::move(text));
        return {};
    }
    names.dns.push_back(lower(text));
    return {};
}

Result<crypto::CertificateNames> names_in(const STACK_OF(X509_EXTENSION) * extensions) {
    crypto::CertificateNames names;
    if (extensions == nullptr) return names;
    int found = 0;
    const NamesHandle list(static_cast<GENERAL_NAMES*>(
        X509V3_get_d2i(extensions, NID_subject_alt_name, &found, nullptr)));
    if (!list && found == -1) return names;
    if (!list) return refuse("csr.malformed", "subjectAltName cannot be read, or is there twice");
    if (static_cast<std::size_t>(sk_GENERAL_NAME_num(list.get())) > subject_names_max)
        return refuse("csr.name", "there are too many names");
    for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i)
        GH_TRY_VOID(add_name(sk_GENERAL_NAME_value(list.get(), i), names));
    return names;
}

Result<ExtensionsHandle> extensions_in(X509_REQ* request) {
    if (X509_REQ_get_attr_count(request) > attributes_max)
        return refuse("csr.malformed", "there are too many attributes");
    const int at = X509_REQ_get_attr_by_NID(request, NID_ext_req, -1);
    if (at < 0) return ExtensionsHandle();
    // A second list would be read by nobody, and believed by somebody.
    if (X509_REQ_get_attr_by_NID(request, NID_ext_req, at) >= 0)
        return refuse("csr.malformed", "extensions are asked for twice");
    ExtensionsHandle extensions(X509_REQ_get_extensions(request));
    if (!extensions) return refuse("csr.malformed", "the extensions cannot be read");
    const ConstraintsHandle constraints(static_cast<BASIC_CONSTRAINTS*>(
        X509V3_get_d2i(extensions.get(), NID_basic_constraints, nullptr, nullptr)));
    if (constraints && constraints->ca != 0)
        return refuse("csr.authority", "certificates that may sign others are not issued");
    return extensions;
}

}  // namespace

Result<SigningRequest> parse_signing_request(std::string_view bytes) {
    if (bytes.size() > signing_request_bytes_max)
        return refuse("csr.too_long", "a request has at most 16 KiB");
    GH_TRY(const auto request, bytes.contains("-----BEGIN ") ? read_pem(bytes) : read_der(bytes));
    // The key before the signature: verifying with a huge one is what an attacker would like us to do.
    GH_TRY(auto key, judged_key(request.get()));
    if (!sound_algorithm(request.get()))
        return refuse("csr.algorithm", "the request is signed with an algorithm of the past");
    if (X509_REQ_verify(request.get(), key.get()) != 1)
        return refuse("csr.signature", "the request is not signed with the key it names");
    GH_TRY(auto common_name, common_name_in(request.get()));
    GH_TRY(const auto extensions, extensions_in(request.get()));
    GH_TRY(auto names, names_in(extensions.get()));
    ERR_clear_error();
    return SigningRequest{std::move(common_name), std::move(names), std::move(key)};
}

std::string key_id_of(const EVP_PKEY* key) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key, &der);
    const std::string_view text(reinterpret_cast<const char*>(der),
                                size > 0 ? static_cast<std::size_t>(size) : 0);
    auto id = crypto::sha256_hex(text);
    OPENSSL_free(der);
    return id;
}

bool is_key(const EVP_PKEY* key, const crypto::PublicKey& other) {
    const auto pem = other.pem();
    const BioHandle text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const crypto::KeyHandle read(PEM_read_bio_PUBKEY(text.get(), nullptr, nullptr, nullptr));
    const bool same = read && EVP_PKEY_eq(key, read.get()) == 1;
    ERR_clear_error();
    return same;
}

}  // namespace gh::pki
