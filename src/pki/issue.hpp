#pragma once

#include <string_view>

#include "audit/record.hpp"
#include "base/error.hpp"
#include "pki/authority.hpp"
#include "pki/certificate_repository.hpp"
#include "pki/signing_request.hpp"

namespace gh::pki {

/// A certificate for whoever made the request. Its names, common name and key are the request's.
/// @param csr     as parse_signing_request() takes it
/// @param wanted  profile and lifetime; names, where the request must have these and no others
/// @return errors of parse_signing_request() and Authority::issue(); `invalid_argument` "csr.other_names"
[[nodiscard]] Result<IssuedCertificate> issue_for(std::string_view csr, const LeafRequest& wanted,
                                                  const Authority& issuer, SystemTime now);

/// The same where the names are agreed: the request may leave them out.
[[nodiscard]] Result<IssuedCertificate> issue_agreed(const SigningRequest& request,
                                                     const LeafRequest& agreed,
                                                     const Authority& issuer, SystemTime now);

/// Whether one would be signed, now: what is not is not promised either.
[[nodiscard]] Result<void> check_issuable(const LeafRequest& wanted, const Authority& issuer,
                                          SystemTime now);

/// What the audit log says of a certificate that was written.
void tell_certificate(audit::Record& record, const StoredCertificate& certificate);

/// For RevokedCertificates: of one that was revoked.
[[nodiscard]] RevokedCertificate revoked_of(const StoredCertificate& certificate);

}  // namespace gh::pki
