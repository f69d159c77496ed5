#include "identity/route_words.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "access/access.hpp"
#include "audit/act.hpp"
#include "config/unit.hpp"
#include "crypto/password.hpp"
#include "identity/user.hpp"

namespace gh::identity {

const api::Type<std::string>& user_name_type() {
    static const auto type =
        api::text({.length_max = user_name_bytes_max,
                   .form = {.holds = valid_user_name,
                            .said = "letters, digits and ._@+-, beginning with a letter or digit",
                            .pattern = "^[A-Za-z0-9][A-Za-z0-9._@+-]*$",
                            .format = {}}});
    return type;
}

const api::Type<std::string>& email_type() {
    static const auto type =
        api::text({.length_min = 3,
                   .length_max = email_bytes_max,
                   .form = {.holds =
                                [](std::string_view text) {
                                    const auto at = text.find('@');
                                    return at != 0 && at != std::string_view::npos &&
                                           at + 1 != text.size() &&
                                           text.find('@', at + 1) == std::string_view::npos &&
                                           !text.contains(' ');
                                },
                            .said = "an address such as ada@example.com",
                            .pattern = "^[^@ ]+@[^@ ]+$",
                            .format = "email"}});
    return type;
}

const api::Type<std::string>& role_name_type() {
    static const auto type =
        api::text({.length_max = 64,
                   .form = {.holds = valid_role_name,
                            .said = "a-z, 0-9 and _-:., beginning with a letter",
                            .pattern = "^[a-z][a-z0-9_:.-]*$",
                            .format = {}}});
    return type;
}

const api::Type<std::vector<std::string>>& role_names_type() {
    static const auto type =
        api::list_of(role_name_type(), {.items_max = user_roles_max, .distinct = true});
    return type;
}

const api::Type<std::string>& password_type() {
    static const auto type = api::text({.length_max = crypto::password_bytes_max, .secret = true});
    return type;
}

crypto::Secret secret_of(std::string& password) {
    crypto::Secret secret{std::string_view(password)};
    crypto::wipe(password.data(), password.size());
    password.clear();
    return secret;
}

std::optional<api::Reply> above_oneself(const api::Call& call, const Rights& rights,
                                        const access::CustomRoles& custom,
                                        access::Permission over_scopes) {
    if (may_hand_out(call.principal, rights, custom, over_scopes)) return {};
    return api::refusal(call, 403, "role.above_own", "This wants rights that are not yours.");
}

audit::Record attempt_record(const api::Call& call, const std::string& name,
                             const SignInOutcome& outcome) {
    auto record = audit::act_of(call, "user.sign_in", "user");
    record.outcome = outcome.user ? audit::Outcome::success : audit::Outcome::denied;
    record.severity = outcome.user ? audit::Severity::info : audit::Severity::low;
    if (outcome.user) {
        record.actor_type = access::PrincipalType::user;
        record.actor = outcome.user->name;
        record.object_id = outcome.user->id;
    } else {
        record.details.push_back({"name", name});
        record.details.push_back({"reason", std::string(outcome.reason)});
    }
    return record;
}

void tell_user(audit::Record& record, const User& user) {
    record.object_id = user.id;
    std::string roles;
    for (const auto& role : user.roles) roles += (roles.empty() ? "" : ",") + role;
    record.details.push_back({"name", user.name});
    record.details.push_back({"roles", std::move(roles)});
    record.details.push_back({"disabled", user.disabled_at.has_value()});
}

void tell_key(audit::Record& record, const StoredKey& key) {
    record.object_id = key.id;
    record.details.push_back({"name", key.name});
    record.details.push_back({"owner", key.owner});
    record.details.push_back({"subject", key.subject});
    if (key.parent) record.details.push_back({"parent", *key.parent});
    if (key.expires_at)
        record.details.push_back({"expires_at", config::time_text(*key.expires_at)});
}

api::Reply wrong_field(const api::Call& call, std::string pointer, std::string_view code,
                       std::string detail) {
    const std::array errors{api::FieldError{.in = api::FieldError::In::body,
                                            .where = std::move(pointer),
                                            .code = code,
                                            .detail = std::move(detail)}};
    return api::refusal(call, 422, "body.invalid", "Some fields are not acceptable.", errors);
}

api::Reply ended(const Revoker& revoker) {
    auto reply = api::no_content();
    if (revoker.waits()) reply.status = 202;
    return reply;
}

std::vector<api::Answer> ended_answers() {
    return {{204, "They are over.", "", nullptr},
            {202, "They are over here; elsewhere once the database is back.", "", nullptr}};
}

Result<api::Reply> refused_by_rules(const api::Call& call, Error error) {
    struct Row {
        std::string_view reason, pointer, detail;
    };
    constexpr std::array fields{
        Row{"user.name", "/name", "Cannot be the name of a user."},
        Row{"user.email", "/email", "Is no address."},
        Row{"user.role", "/roles", "There is no such role."},
        Row{"key.name", "/name", "Cannot be the name of a key."},
        Row{"key.subject", "/subject", "Cannot be a subject."},
        Row{"key.role", "/roles", "Is no role."},
        Row{"key.scope", "/scopes", "Is no scope (RFC 6749 §3.3)."},
        Row{"key.expired", "/expires_at", "Must be in the future."},
    };
    const auto* row = std::ranges::find(fields, error.reason, &Row::reason);
    if (row != fields.end())
        return wrong_field(call, std::string(row->pointer), error.reason, std::string(row->detail));
    if (error.reason == "user.changed" || error.reason == "key.changed")
        return api::refusal(call, 412, error.reason, "It was changed meanwhile: read it again.");
    if (error.reason == "user.name_taken")
        return api::refusal(call, 409, error.reason, "There is a user of that name.");
    if (error.reason == "user.last_admin")
        return api::refusal(call, 409, error.reason, "Nobody would be left to administer.");
    if (error.reason == "key.too_many")
        return api::refusal(call, 409, error.reason,
                            "Their owner has as many keys as one may have: revoke those that are "
                            "no longer used.");
    if (error.reason == "key.revoked")
        return api::refusal(call, 409, error.reason, "The key was revoked.");
    return std::unexpected(std::move(error));
}

}  // namespace gh::identity
