#include "pki/ocsp.hpp"

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using BasicHandle = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using ResponseHandle = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using IdHandle = std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>>;

constexpr int nonce_octets_max = 128;    // RFC 9654 §2.1
constexpr int nonce_octets_echoed = 32;  // a longer one is passed over, as clients must bear

std::unexpected<Error> malformed() {
    ERR_clear_error();
    return fail(ErrorKind::invalid_argument, "ocsp.malformed",
                "this is no OCSP request for one to 16 certificates");
}

OCSP_CERTID* id_of(OCSP_REQUEST* request, std::size_t index) {
    return OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, static_cast<int>(index)));
}

constexpr int octet_string_head(int octets) { return octets < 128 ? 2 : 3; }

/// Octets of its encoding; 0: there is none.
/// The extension's value is an octet string within an octet string, or, of clients of old, one.
int nonce_size(OCSP_REQUEST* request) {
    const int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
    if (at < 0) return 0;
    return ASN1_STRING_length(X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(request, at)));
}

bool sound_nonce(OCSP_REQUEST* request) {
    const int at = OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, -1);
    if (at < 0) return true;
    if (OCSP_REQUEST_get_ext_by_NID(request, NID_id_pkix_OCSP_Nonce, at) >= 0) return false;
    const int size = nonce_size(request);
    return size >= 1 && size <= nonce_octets_max + octet_string_head(nonce_octets_max);
}

std::string der_of(OCSP_RESPONSE* response) {
    unsigned char* der = nullptr;
    const int size = i2d_OCSP_RESPONSE(response, &der);
    std::string text(reinterpret_cast<const char*>(der),
                     size > 0 ? static_cast<std::size_t>(size) : 0);
    OPENSSL_free(der);
    return text;
}

bool add_status(OCSP_BASICRESP* basic, OCSP_CERTID* id, const OcspStatus& status,
                ASN1_TIME* this_update, ASN1_TIME* next_update) {
    using Kind = OcspStatus::Kind;
    if (status.kind != Kind::revoked) {
        const int word =
            status.kind == Kind::good ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_UNKNOWN;
        return OCSP_basic_add1_status(basic, id, word, 0, nullptr, this_update, next_update) !=
               nullptr;
    }
    const TimeHandle at(ASN1_TIME_set(nullptr, unix_seconds(status.revoked_at)));
    const int reason = status.reason == RevocationReason::unspecified
                           ? OCSP_REVOKED_STATUS_NOSTATUS
                           : static_cast<int>(status.reason);
    return at && OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_REVOKED, reason, at.get(),
                                        this_update, next_update) != nullptr;
}

}  // namespace

void OcspRequest::Free::operator()(OCSP_REQUEST* request) const noexcept {
    OCSP_REQUEST_free(request);
}

Result<OcspRequest> OcspRequest::parse(std::string_view der) {
    if (der.size() > ocsp_request_bytes_max)
        return fail(ErrorKind::invalid_argument, "ocsp.too_long", "a request has at most 4 KiB");
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    const auto* end = at + der.size();
    OcspRequest parsed;
    parsed.request_.reset(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(der.size())));
    if (!parsed.request_ || at != end || !sound_nonce(parsed.handle())) return malformed();
    const int count = OCSP_request_onereq_count(parsed.handle());
    if (count < 1 || static_cast<std::size_t>(count) > ocsp_questions_max) return malformed();
    for (int i = 0; i < count; ++i) {
        ASN1_INTEGER* serial = nullptr;
        OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial,
                          id_of(parsed.handle(), static_cast<std::size_t>(i)));
        parsed.serials_.push_back(codec::encode_hex(view(serial)));
    }
    return parsed;
}

Result<OcspRequest> OcspRequest::about(const Authority& issuer, std::string_view serial) {
    const std::string digits(serial);
    BIGNUM* number = nullptr;
    BN_hex2bn(&number, digits.c_str());
    const std::unique_ptr<BIGNUM, FreeWith<BN_free>> value(number);
    const std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>> asked(
        value ? BN_to_ASN1_INTEGER(value.get(), nullptr) : nullptr);
    OcspRequest request;
    request.request_.reset(OCSP_REQUEST_new());
    // SHA-1 only names the issuer: the one way that every client looks for it (RFC 5019 §2.1.1).
    IdHandle id(asked ? OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer.certificate()),
                                         X509_get0_pubkey_bitstr(issuer.certificate()), asked.get())
                      : nullptr);
    if (!request.request_ || !id || OCSP_request_add0_id(request.handle(), id.get()) == nullptr)
        return openssl_failure();
    (void)id.release();  // the request has it now
    request.serials_.push_back(digits);
    return request;
}

bool OcspRequest::is_about(std::size_t index, const Authority& issuer) const {
    ASN1_OBJECT* algorithm = nullptr;
    OCSP_CERTID* asked = id_of(handle(), index);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, &algorithm, nullptr, &serial, asked);
    const int nid = OBJ_obj2nid(algorithm);
    if ((nid != NID_sha1 && nid != NID_sha256) || ASN1_STRING_type(serial) != V_ASN1_INTEGER)
        return false;
    const IdHandle ours(OCSP_cert_id_new(nid == NID_sha1 ? EVP_sha1() : EVP_sha256(),
                                         X509_get_subject_name(issuer.certificate()),
                                         X509_get0_pubkey_bitstr(issuer.certificate()), serial));
    return ours && OCSP_id_issuer_cmp(asked, ours.get()) == 0;
}

Result<std::string> answer_ocsp(const OcspRequest& request, const Authority& issuer,
                                const std::vector<OcspStatus>& statuses, SystemTime now) {
    const BasicHandle basic(OCSP_BASICRESP_new());
    const TimeHandle this_update(ASN1_GENERALIZEDTIME_set(nullptr, unix_seconds(now - backdate)));
    const TimeHandle next_update(
        ASN1_GENERALIZEDTIME_set(nullptr, unix_seconds(now + ocsp_lifetime)));
    if (!basic || !this_update || !next_update) return openssl_failure();
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        if (!add_status(basic.get(), id_of(request.handle(), i), statuses[i], this_update.get(),
                        next_update.get())) {
            return openssl_failure();
        }
    }
    const int nonce = nonce_size(request.handle());
    const bool echoed = nonce <= nonce_octets_echoed + octet_string_head(nonce_octets_echoed);
    // 2: the request has none
    if (echoed && OCSP_copy_nonce(basic.get(), request.handle()) < 1) return openssl_failure();
    if (OCSP_basic_sign(basic.get(), issuer.certificate(), issuer.key(), EVP_sha256(), nullptr,
                        OCSP_NOCERTS | OCSP_RESPID_KEY) != 1) {
        return openssl_failure();
    }
    const ResponseHandle response(
        OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
    if (!response) return openssl_failure();
    return der_of(response.get());
}

std::string ocsp_failure(OcspFailure failure) {
    const ResponseHandle response(OCSP_response_create(static_cast<int>(failure), nullptr));
    return response ? der_of(response.get()) : std::string();
}

}  // namespace gh::pki
