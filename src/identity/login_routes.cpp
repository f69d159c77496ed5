#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/authenticator.hpp"
#include "api/object.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "codec/jose.hpp"
#include "identity/room.hpp"
#include "identity/route_words.hpp"
#include "net/loop.hpp"

namespace gh::identity {
namespace {

using access::Access;
using api::Object;

struct Login {
    std::string username;
    std::string password;
};

/// What RFC 6749 §4.3.2 sends besides, and clients of the password grant with it. Only a name and a password count here.
struct LoginForm : Login {
    std::optional<std::string> grant_type, scope, client_id, client_secret;
};

template <class T>
Object<T> login_object(std::string name) {
    return Object<T>(std::move(name), "Who one is, and what proves it.")
        .required("username", static_cast<std::string T::*>(&T::username),
                  api::text({.length_max = user_name_bytes_max}), "The name of a user.")
        .required("password", static_cast<std::string T::*>(&T::password), password_type(),
                  "Their password.");
}

const api::Type<Login>& login_type() {
    static const auto type = login_object<Login>("Login").type();
    return type;
}

const api::Type<LoginForm>& login_form_type() {
    static const auto any = api::maybe(api::text({.length_min = 0, .length_max = 1024}));
    static const auto hidden =
        api::maybe(api::text({.length_min = 0, .length_max = 1024, .secret = true}));
    static const auto type =
        login_object<LoginForm>("LoginForm")
            .optional("grant_type", &LoginForm::grant_type,
                      api::maybe(api::text({.length_min = 0,
                                            .form = {.holds =
                                                         [](std::string_view text) {
                                                             return text.empty() ||
                                                                    text == "password";
                                                         },
                                                     .said = "password",
                                                     .pattern = "^(password)?$",
                                                     .format = {}}})),
                      "password, or nothing.")
            .optional("scope", &LoginForm::scope, any, "Not looked at.")
            .optional("client_id", &LoginForm::client_id, any, "Not looked at.")
            .optional("client_secret", &LoginForm::client_secret, hidden, "Not looked at.")
            .type();
    return type;
}

struct NewPassword : Login {
    std::string new_password;
};

const api::Type<NewPassword>& new_password_type() {
    static const auto type = login_object<NewPassword>("NewPassword")
                                 .required("new_password", &NewPassword::new_password,
                                           password_type(), "What proves it from now on.")
                                 .type();
    return type;
}

struct BearerToken {
    std::string access_token;
    std::string token_type{"bearer"};
    std::int64_t expires_in = 0;
};

const api::Type<BearerToken>& bearer_token_type() {
    static const auto type =
        Object<BearerToken>("BearerToken", "A token for the header Authorization.")
            .required("access_token", &BearerToken::access_token, api::text({.length_max = 16'384}),
                      "To be sent as: Bearer TOKEN.")
            .required("token_type", &BearerToken::token_type, api::text(), "bearer.")
            .required("expires_in", &BearerToken::expires_in,
                      api::integer_64(0, std::numeric_limits<std::int64_t>::max()), "Seconds.")
            .type();
    return type;
}

api::Reply too_soon(const api::Call& call, milliseconds wait) {
    auto reply = api::refusal(call, 429, "login.throttled", "Too many attempts. Try again later.");
    reply.fields.emplace_back("Retry-After",
                              fmt::format("{}", std::chrono::ceil<seconds>(wait).count()));
    return reply;
}

/// What a client hears of an attempt that came to nothing; nothing where it came to something.
std::optional<api::Reply> refusal_of(const api::Call& call, const SignInOutcome& outcome) {
    if (outcome.wait) return too_soon(call, *outcome.wait);
    if (outcome.user) return {};
    // One code for every reason.
    auto reply = api::refusal(call, 401, "login.refused", access::text_of(access::Refusal::login));
    reply.fields.emplace_back("WWW-Authenticate", "Bearer");
    return reply;
}

SignInAttempt attempt_of(const api::Call& call, Login& login) {
    const auto network = call.client_network.bytes();
    return {std::move(login.username), secret_of(login.password),
            std::string(reinterpret_cast<const char*>(network.data()), network.size())};
}

Task<Result<api::Reply>> sign_in(Room& room, api::Call call, Login login, seconds lifetime) {
    // The token counts from here: whatever voids tokens while the password is looked at voids this one, too.
    const auto asked = net::Loop::current()->system_now();
    const auto name = login.username;
    auto attempt = attempt_of(call, login);
    GH_CO_TRY(const auto outcome, co_await room.sign_in.check(std::move(attempt)));
    if (!outcome.wait)
        GH_CO_TRY_VOID(co_await room.audit.append(attempt_record(call, name, outcome)));
    if (auto refused = refusal_of(call, outcome)) co_return *std::move(refused);
    if (outcome.user->password_change_required) {
        co_return api::refusal(call, 403, "password.change_required",
                               "The password is for one use: set a new one with "
                               "POST /api/v1/auth/password.");
    }
    TokenGrant grant;
    grant.subject = outcome.user->name;
    grant.roles = outcome.user->roles;
    grant.lifetime = lifetime;
    const auto token = room.issuer.issue(grant, asked);
    auto reply = api::reply(200, bearer_token_type(),
                            {.access_token = token.text, .expires_in = lifetime.count()});
    reply.fields.emplace_back("Pragma", "no-cache");  // RFC 6749 §5.1
    co_return reply;
}

Task<Result<api::Reply>> token(Room& room, api::Call call, LoginForm form) {
    return sign_in(room, call, std::move(form), room.token_lifetime);
}

Task<Result<api::Reply>> login(Room& room, api::Call call, Login body) {
    return sign_in(room, call, std::move(body), room.session_lifetime);
}

Task<Result<api::Reply>> change_password(Room& room, api::Call call, NewPassword body) {
    const auto name = body.username;
    auto attempt = attempt_of(call, body);
    auto new_password = secret_of(body.new_password);
    auto record = audit::act_of(call, "user.change_password", "user");
    auto outcome = co_await room.sign_in.change_password(
        std::move(attempt), std::move(new_password),
        audit::also<User>(std::move(record), [](audit::Record& told, const User& user) {
            told.actor_type = access::PrincipalType::user;
            told.actor = user.name;
            told.object_id = user.id;
        }));
    if (!outcome && outcome.error().kind == ErrorKind::invalid_argument) {
        const auto reason = outcome.error().reason;
        co_return wrong_field(
            call, "/new_password", reason,
            reason == "password.unchanged" ? "Must not be the old one." : "Cannot be a password.");
    }
    if (!outcome) co_return std::unexpected(std::move(outcome).error());
    if (!outcome->user && !outcome->wait)
        GH_CO_TRY_VOID(co_await room.audit.append(attempt_record(call, name, *outcome)));
    if (auto refused = refusal_of(call, *outcome)) co_return *std::move(refused);
    room.revocations.add({end_of_tokens(*outcome->user)}, net::Loop::current()->system_now());
    co_return api::no_content();
}

/// Ends the token that it comes with.
Task<Result<api::Reply>> sign_out(Room& room, api::Call call) {
    if (call.principal.revoked_by != access::RevokedBy::token_list ||
        call.principal.token_id.empty()) {
        co_return api::refusal(call, 409, "token.not_ours",
                               "Only a token that was issued here can be ended here.");
    }
    auto record = audit::act_of(call, "user.sign_out", "token", call.principal.token_id);
    GH_CO_TRY_VOID(co_await room.revoker.end(RevocationKind::token, call.principal.token_id,
                                             net::Loop::current()->system_now(),
                                             std::move(record)));
    co_return ended(room.revoker);
}

struct Me {
    std::string username;
    std::vector<std::string> roles;
    std::vector<std::string> scopes;
    std::string type;
    std::optional<SystemTime> expires_at;
};

const api::Type<Me>& me_type() {
    static const auto names = api::list_of(api::text({.length_max = 512}), {.items_max = 1'000});
    static const auto type =
        Object<Me>("Me", "Whom the credentials of the request stand for.")
            .required("username", &Me::username, api::text({.length_max = 1'024}), "The subject.")
            .required("roles", &Me::roles, names, "As the credential names them.")
            .required("scopes", &Me::scopes, names, "None: whatever the roles allow.")
            .required("type", &Me::type, api::text(), "user, api_key, service, certificate, ...")
            .optional("expires_at", &Me::expires_at, api::maybe(api::time()),
                      "When the credential ends.")
            .type();
    return type;
}

Task<Result<api::Reply>> me(api::Call call) {
    const auto& principal = call.principal;
    co_return api::reply(200, me_type(),
                         {.username = principal.subject,
                          .roles = principal.roles,
                          .scopes = principal.scopes,
                          .type = std::string(access::name_of(principal.type)),
                          .expires_at = principal.expires});
}

struct Status {
    bool auth_enabled = true;
    std::vector<std::string> methods;
    std::string token_url{"/auth/token"};
    std::string algorithm;
    std::int64_t token_lifetime_seconds = 0;
};

const api::Type<Status>& status_type() {
    static const auto type =
        Object<Status>("AuthStatus", "Whether credentials are wanted here, and which.")
            .required("auth_enabled", &Status::auth_enabled, api::boolean(),
                      "false: everybody on this machine is let in.")
            .required("methods", &Status::methods, api::list_of(api::text()),
                      "Kinds of credentials that are taken.")
            .required("token_url", &Status::token_url, api::text(),
                      "Where a name and a password become a token.")
            .required("algorithm", &Status::algorithm, api::text(), "Of our tokens' signatures.")
            .required("token_lifetime_seconds", &Status::token_lifetime_seconds,
                      api::integer_64(0, std::numeric_limits<std::int64_t>::max()),
                      "How long they are good.")
            .type();
    return type;
}

Task<Result<api::Reply>> status(Room& room, api::Call) {
    const auto now = net::Loop::current()->system_now();
    co_return api::reply(
        200, status_type(),
        {.auth_enabled = room.auth_enabled,
         .methods = {"password", "bearer", "api_key", "client_certificate"},
         .algorithm = std::string(codec::name_of(room.issuer.keys()->current(now).algorithm())),
         .token_lifetime_seconds = room.token_lifetime.count()});
}

}  // namespace

std::vector<api::Route> login_routes(Room& room) {
    const auto issued = api::answers(200, "A token.", bearer_token_type());
    return {
        {.method = "POST",
         .path = "/auth/token",
         .access = Access::anyone(),
         .handle = api::with(room, token, api::form_body(login_form_type())),
         .summary = "Signs in with a name and a password, as a form.",
         .answers = {issued},
         .body_bytes_max = 16 * 1024},
        {.method = "GET",
         .path = "/auth/me",
         .access = Access::authenticated(),
         .handle = me,
         .summary = "Who asks.",
         .answers = {api::answers(200, "Who asks.", me_type())}},
        {.method = "GET",
         .path = "/auth/status",
         .access = Access::anyone(),
         .handle = api::with(room, status),
         .summary = "Whether credentials are wanted, and which.",
         .answers = {api::answers(200, "How it is.", status_type())}},
        {.method = "POST",
         .path = "/api/v1/auth/login",
         .access = Access::anyone(),
         .handle = api::with(room, login, api::json_body(login_type())),
         .summary = "Signs in with a name and a password, for a day.",
         .answers = {issued},
         .body_bytes_max = 16 * 1024},
        {.method = "POST",
         .path = "/api/v1/auth/password",
         .access = Access::anyone(),
         .handle = api::with(room, change_password, api::json_body(new_password_type())),
         .summary = "Sets a new password; the old one proves who asks.",
         .answers = {{204, "It is set; tokens made before are void.", "", nullptr}},
         .body_bytes_max = 16 * 1024},
        {.method = "POST",
         .path = "/api/v1/auth/logout",
         .access = Access::authenticated(),
         .handle = api::with(room, sign_out),
         .summary = "Ends the token that the request comes with.",
         .answers = ended_answers()},
    };
}

}  // namespace gh::identity
