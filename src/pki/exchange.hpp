#pragma once

#include <optional>
#include <string>
#include <variant>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "audit/record.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "pki/certificate_repository.hpp"
#include "pki/enrolment_room.hpp"
#include "storage/database.hpp"

namespace gh::pki {

/// A certificate, or what the client is answered.
using Exchanged = std::variant<StoredCertificate, api::Reply>;

/// Exchanges a one-time token for a certificate of the key that the request proves.
/// @param token  wiped
/// @param door   through which it came; a token for another is not good
/// @param more   belongs into the transaction that uses the token up, behind the audit record; it hears nothing where it is
///               the first certificate that comes back. What it refuses as `permission_denied` is a token that is not good.
[[nodiscard]] Task<Result<Exchanged>> exchange(EnrolmentRoom& room, api::Call call,
                                               std::string token, std::string csr,
                                               Enrolment::Door door,
                                               storage::Also<StoredCertificate> more = {});

/// 401, whatever is wrong with a one-time token.
[[nodiscard]] api::Reply poor_token(const api::Call& call);

/// A holder speaks for itself: there is no principal yet, or it is the certificate.
[[nodiscard]] audit::Record act_of_holder(const api::Call& call, const Enrolment& enrolment);

/// Nothing, or 429.
[[nodiscard]] std::optional<api::Reply> refuse_often(EnrolmentRoom& room, const api::Call& call,
                                                     const Enrolment& enrolment);

}  // namespace gh::pki
