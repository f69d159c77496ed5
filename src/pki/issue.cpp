#include "pki/issue.hpp"

#include <utility>

#include "base/try.hpp"
#include "pki/subject_names.hpp"

namespace gh::pki {

namespace {

std::unexpected<Error> other_names(const std::string& asked) {
    return fail(ErrorKind::invalid_argument, "csr.other_names",
                "the request is for other names than were agreed: " + asked);
}

}  // namespace

Result<IssuedCertificate> issue_for(std::string_view csr, const LeafRequest& wanted,
                                    const Authority& issuer, SystemTime now) {
    GH_TRY(auto request, parse_signing_request(csr));
    const auto agreed = text_of_names(wanted.names);
    const auto asked = text_of_names(request.names);
    if (!agreed.empty() && asked != agreed) return other_names(asked);
    return issuer.issue({.profile = wanted.profile,
                         .common_name = std::move(request.common_name),
                         .names = std::move(request.names),
                         .lifetime = wanted.lifetime},
                        request.key.get(), now);
}

Result<IssuedCertificate> issue_agreed(const SigningRequest& request, const LeafRequest& agreed,
                                       const Authority& issuer, SystemTime now) {
    const auto asked = text_of_names(request.names);
    if (!asked.empty() && asked != text_of_names(agreed.names)) return other_names(asked);
    return issuer.issue(agreed, request.key.get(), now);
}

void tell_certificate(audit::Record& record, const StoredCertificate& certificate) {
    record.object_id = certificate.serial;
    record.details = {{"names", text_of_names(certificate.names)},
                      {"profile", std::string(rules_of(certificate.profile).name)},
                      {"issued_to", certificate.issued_to}};
    if (certificate.reason)
        record.details.push_back({"reason", std::string(name_of(*certificate.reason))});
}

RevokedCertificate revoked_of(const StoredCertificate& certificate) {
    return {.serial = certificate.serial,
            .issuer_key_id = certificate.issuer_key_id,
            .reason = certificate.reason.value_or(RevocationReason::unspecified),
            .revoked_at = certificate.revoked_at.value_or(certificate.created_at),
            .not_after = certificate.not_after};
}

}  // namespace gh::pki
