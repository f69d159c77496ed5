#pragma once

// What the tables of this room's routes have in common.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/permission.hpp"
#include "api/reply.hpp"
#include "api/route.hpp"
#include "api/types.hpp"
#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/secret.hpp"
#include "identity/key_repository.hpp"
#include "identity/revoker.hpp"
#include "identity/rights.hpp"
#include "identity/sign_in.hpp"
#include "identity/user.hpp"

namespace gh::identity {

[[nodiscard]] const api::Type<std::string>& user_name_type();
[[nodiscard]] const api::Type<std::string>& email_type();
[[nodiscard]] const api::Type<std::string>& role_name_type();
/// At most `user_roles_max`, none twice.
[[nodiscard]] const api::Type<std::vector<std::string>>& role_names_type();
/// As it is typed in; what is wrong with it the hash says.
[[nodiscard]] const api::Type<std::string>& password_type();

/// Takes a password into a place that is wiped, and wipes where it was.
[[nodiscard]] crypto::Secret secret_of(std::string& password);

/// 403 where somebody hands out, or touches, rights that are not theirs: see may_hand_out().
[[nodiscard]] std::optional<api::Reply> above_oneself(
    const api::Call& call, const Rights& rights, const access::CustomRoles& custom,
    access::Permission over_scopes = access::Permission::keys_write);

/// Somebody tried to sign in. Attempts that were not looked at are not told: they are many, and counted elsewhere.
[[nodiscard]] audit::Record attempt_record(const api::Call& call, const std::string& name,
                                           const SignInOutcome& outcome);
/// What the audit log says of a user that was written, besides what the record says already.
void tell_user(audit::Record& record, const User& user);
/// And of a key.
void tell_key(audit::Record& record, const StoredKey& key);

/// 422 for one member of the body.
/// @param pointer  RFC 6901
[[nodiscard]] api::Reply wrong_field(const api::Call& call, std::string pointer,
                                     std::string_view code, std::string detail);

/// What was ended is ended everywhere, or here and, once the database is back, everywhere.
[[nodiscard]] api::Reply ended(const Revoker& revoker);
[[nodiscard]] std::vector<api::Answer> ended_answers();

/// What the repositories refuse, as a client reads it; errors that are none of the client's come back as they are.
[[nodiscard]] Result<api::Reply> refused_by_rules(const api::Call& call, Error error);

}  // namespace gh::identity
