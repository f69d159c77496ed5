#include "pki/crl.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/hex.hpp"
#include "crypto/digest.hpp"
#include "pki/extensions.hpp"
#include "pki/openssl.hpp"

namespace gh::pki {
namespace {

using CrlHandle = std::unique_ptr<X509_CRL, FreeWith<X509_CRL_free>>;
using RevokedHandle = std::unique_ptr<X509_REVOKED, FreeWith<X509_REVOKED_free>>;
using EnumeratedHandle = std::unique_ptr<ASN1_ENUMERATED, FreeWith<ASN1_ENUMERATED_free>>;

bool add_entry(X509_CRL* crl, const RevokedCertificate& revoked) {
    const auto octets = codec::decode_hex(revoked.serial);
    if (!octets) return false;
    RevokedHandle entry(X509_REVOKED_new());
    const NumberHandle number(BN_bin2bn(reinterpret_cast<const unsigned char*>(octets->data()),
                                        static_cast<int>(octets->size()), nullptr));
    const IntegerHandle serial(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
    const TimeHandle at(ASN1_TIME_set(nullptr, unix_seconds(revoked.revoked_at)));
    if (!entry || !serial || !at || X509_REVOKED_set_serialNumber(entry.get(), serial.get()) != 1 ||
        X509_REVOKED_set_revocationDate(entry.get(), at.get()) != 1) {
        return false;
    }
    if (revoked.reason != RevocationReason::unspecified) {  // left out then: RFC 5280 §5.3.1
        const EnumeratedHandle reason(ASN1_ENUMERATED_new());
        if (!reason || ASN1_ENUMERATED_set(reason.get(), static_cast<long>(revoked.reason)) != 1 ||
            X509_REVOKED_add1_ext_i2d(entry.get(), NID_crl_reason, reason.get(), 0,
                                      X509V3_ADD_APPEND) != 1) {
            return false;
        }
    }
    if (X509_CRL_add0_revoked(crl, entry.get()) != 1) return false;
    (void)entry.release();
    return true;
}

bool add_number(X509_CRL* crl, std::uint64_t count) {
    const IntegerHandle number(ASN1_INTEGER_new());
    return number && ASN1_INTEGER_set_uint64(number.get(), count) == 1 &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, number.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

std::uint64_t number_after(std::uint64_t before, SystemTime now) {
    const auto of_clock = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count());
    return std::max(before + 1, of_clock);
}

}  // namespace

Result<std::string> make_crl(const Authority& issuer, std::vector<RevokedCertificate> revoked,
                             std::uint64_t number, SystemTime now, std::chrono::seconds lifetime) {
    const CrlHandle crl(X509_CRL_new());
    const TimeHandle this_update(ASN1_TIME_set(nullptr, unix_seconds(now - backdate)));
    const TimeHandle next_update(ASN1_TIME_set(nullptr, unix_seconds(now + lifetime)));
    const auto key_id = authority_key_id(issuer.certificate());
    if (!crl || !this_update || !next_update || !key_id ||
        X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate())) != 1 ||
        X509_CRL_set1_lastUpdate(crl.get(), this_update.get()) != 1 ||
        X509_CRL_set1_nextUpdate(crl.get(), next_update.get()) != 1 ||
        X509_CRL_add_ext(crl.get(), key_id.get(), -1) != 1 || !add_number(crl.get(), number)) {
        return openssl_failure();
    }
    std::ranges::sort(revoked, {}, &RevokedCertificate::serial);
    for (const auto& each : revoked) {
        if (!add_entry(crl.get(), each)) return openssl_failure();
    }
    unsigned char* der = nullptr;
    if (X509_CRL_sign(crl.get(), issuer.key(), EVP_sha256()) <= 0) return openssl_failure();
    const int size = i2d_X509_CRL(crl.get(), &der);
    if (size <= 0) return openssl_failure();
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
}

std::string crl_etag(std::string_view der) {
    const auto digest = crypto::sha256(der);
    return '"' + codec::encode_hex({reinterpret_cast<const char*>(digest.data()), 16}) + '"';
}

Result<Crl> next_crl(const Authority& issuer, std::vector<RevokedCertificate> revoked,
                     std::uint64_t number_before, SystemTime now, std::chrono::seconds lifetime) {
    Crl made;
    made.number = number_after(number_before, now);
    GH_TRY(made.der, make_crl(issuer, std::move(revoked), made.number, now, lifetime));
    made.etag = crl_etag(made.der);
    made.made_at = now;
    made.next_update = now + lifetime;
    made.issuer = issuer.fingerprint();
    return made;
}

std::shared_ptr<const Crl> CrlKeeper::current() const {
    const std::scoped_lock lock(mutex_);
    return current_;
}

Result<bool> CrlKeeper::keep(const Authority& issuer, const RevokedCertificates& revoked,
                             SystemTime now) {
    const auto before = current();
    const auto generation = revoked.generation();
    if (before && before->generation == generation && before->issuer == issuer.fingerprint() &&
        now >= before->made_at && now < before->made_at + crl_renewed_after) {
        return false;
    }
    // A certificate stays on the list until it has been on one that was made after its end (RFC 5280 §3.3).
    auto listed = revoked.of_issuer(issuer.key_id(), now - crl_lifetime);
    GH_TRY(auto made, next_crl(issuer, std::move(listed), before ? before->number : 0, now));
    made.generation = generation;
    const std::scoped_lock lock(mutex_);
    current_ = std::make_shared<const Crl>(std::move(made));
    return true;
}

}  // namespace gh::pki
