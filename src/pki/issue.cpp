#include "pki/issue.hpp"

#include <algorithm>
#include <utility>
#include <vector>

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
    const auto is_called = [&](const std::vector<std::string>& names) {
        return std::ranges::find(names, request.common_name) != names.end();
    };
    const auto& names = agreed.names;
    const bool named = request.common_name.empty() || request.common_name == agreed.common_name ||
                       is_called(names.dns) || is_called(names.uris) || is_called(names.addresses);
    if (!named) return other_names(request.common_name);
    return issuer.issue(agreed, request.key.get(), now);
}

Result<void> check_issuable(const LeafRequest& wanted, const Authority& issuer, SystemTime now) {
    GH_TRY(auto tried, issuer.issue(wanted, now));
    crypto::wipe(tried.key_pem.data(), tried.key_pem.size());
    return {};
}

void tell_certificate(audit::Record& record, const StoredCertificate& certificate) {
    record.object_id = certificate.serial;
    record.details.push_back({"names", text_of_names(certificate.names)});
    record.details.push_back({"profile", std::string(rules_of(certificate.profile).name)});
    record.details.push_back({"issued_to", certificate.issued_to});
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
