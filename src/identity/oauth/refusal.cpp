#include "identity/oauth/refusal.hpp"

#include <algorithm>
#include <array>

#include "api/problem.hpp"
#include "codec/json_writer.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::string_view client_failed = "Client authentication failed.";
constexpr std::string_view grant_failed =
    "What was presented is unknown, expired, was used before, or was given to another client.";

constexpr std::array table{
    RefusalRow{"oauth.malformed", "invalid_request",
               "The request is malformed, has a parameter twice, or one is too long."},
    RefusalRow{"oauth.parameter_missing", "invalid_request", "A parameter is missing."},
    RefusalRow{"oauth.two_authentications", "invalid_request",
               "Use one way of client authentication."},
    RefusalRow{"oauth.response_mode", "invalid_request",
               "Of the response modes there is query alone."},
    RefusalRow{"oauth.challenge", "invalid_request",
               "A code_challenge with the method S256 is required (RFC 7636)."},
    RefusalRow{"oauth.prompt", "invalid_request", "prompt or max_age cannot be understood."},
    RefusalRow{"oauth.request_object", "request_not_supported", "Request objects are not taken."},
    RefusalRow{"oauth.request_uri", "request_uri_not_supported", "request_uri is not taken."},
    RefusalRow{"oauth.response_type", "unsupported_response_type",
               "Of the response types there is code alone."},
    RefusalRow{"oauth.client_unknown", "invalid_client", client_failed, 401},
    RefusalRow{"oauth.client_secret", "invalid_client", client_failed, 401},
    RefusalRow{"oauth.client_method", "invalid_client", client_failed, 401},
    RefusalRow{"oauth.client_certificate", "invalid_client", client_failed, 401},
    RefusalRow{"oauth.client_disabled", "invalid_client", client_failed, 401},
    RefusalRow{"oauth.client_public", "invalid_client", client_failed, 401},
    RefusalRow{"oauth.grant_type", "unsupported_grant_type", "There is no such grant type here."},
    RefusalRow{"oauth.grant_not_allowed", "unauthorized_client",
               "The client may not use this grant type."},
    RefusalRow{"oauth.code_unknown", "invalid_grant", grant_failed},
    RefusalRow{"oauth.code_expired", "invalid_grant", grant_failed},
    RefusalRow{"oauth.code_replayed", "invalid_grant", grant_failed},
    RefusalRow{"oauth.code_client", "invalid_grant", grant_failed},
    RefusalRow{"oauth.code_redirect", "invalid_grant", grant_failed},
    RefusalRow{"oauth.code_verifier", "invalid_grant", grant_failed},
    RefusalRow{"oauth.refresh_unknown", "invalid_grant", grant_failed},
    RefusalRow{"oauth.refresh_expired", "invalid_grant", grant_failed},
    RefusalRow{"oauth.refresh_reused", "invalid_grant", grant_failed},
    RefusalRow{"oauth.refresh_client", "invalid_grant", grant_failed},
    RefusalRow{"oauth.grant_ended", "invalid_grant", grant_failed},
    RefusalRow{"oauth.grant_binding", "invalid_grant", grant_failed},
    RefusalRow{"oauth.user", "invalid_grant", grant_failed},
    RefusalRow{"oauth.password", "invalid_grant", "The user name or the password is wrong."},
    RefusalRow{"oauth.throttled", "slow_down", "Too many attempts. Try again later.", 429},
    RefusalRow{"oauth.scope", "invalid_scope",
               "A scope is malformed, or the client may not have it."},
    RefusalRow{"oauth.scope_missing", "invalid_scope", "A scope must be named."},
    RefusalRow{"oauth.resource", "invalid_target",
               "A resource is malformed, or the client may not ask for it."},
    RefusalRow{"oauth.token_size", "invalid_request",
               "The token would be too large: ask for less."},
    RefusalRow{"oauth.token_type", "unsupported_token_type", "Tokens of this kind are not taken."},
    RefusalRow{"oauth.dpop_proof", "invalid_dpop_proof", "The DPoP proof is not good, or not new."},
    RefusalRow{"oauth.dpop_missing", "invalid_dpop_proof",
               "A DPoP proof is wanted of this client."},
    RefusalRow{"oauth.device_pending", "authorization_pending", "The user has not decided yet."},
    RefusalRow{"oauth.device_too_fast", "slow_down",
               "Ask less often: five seconds more each time."},
    RefusalRow{"oauth.device_denied", "access_denied", "The user did not agree."},
    RefusalRow{"oauth.device_expired", "expired_token",
               "The device code has expired: begin again."},
    RefusalRow{"oauth.device_unknown", "invalid_grant", grant_failed},
    RefusalRow{"oauth.device_client", "invalid_grant", grant_failed},
    RefusalRow{"oauth.device_replayed", "invalid_grant", grant_failed},
    RefusalRow{"oauth.device_crowd", "temporarily_unavailable",
               "Too many devices of this client are waiting for their users.", 503},
    RefusalRow{"oauth.subject_token", "invalid_request",
               "subject_token is not a good access token of ours, or not this client's to use."},
    RefusalRow{"oauth.actor_token", "invalid_request",
               "actor_token is not a good access token of ours, or not this client's own."},
    RefusalRow{"oauth.act_depth", "invalid_request", "Too many already act for one another."},
    RefusalRow{"oauth.registration_token", "invalid_token",
               "An initial access token is wanted, or the permission clients:write.", 401},
    RefusalRow{"oauth.registration_metadata", "invalid_client_metadata",
               "The metadata are malformed, or ask for more than may be registered."},
    RefusalRow{"oauth.registration_redirect", "invalid_redirect_uri",
               "A redirect URI is not acceptable."},
    RefusalRow{"oauth.sign_in", "login_required", "The user has to sign in."},
    RefusalRow{"oauth.consent", "consent_required", "The user has to agree."},
    RefusalRow{"oauth.denied", "access_denied", "The user did not agree."},
};

}  // namespace

const RefusalRow* row_of(std::string_view reason) {
    const auto* found = std::ranges::find(table, reason, &RefusalRow::reason);
    return found == table.end() ? nullptr : found;
}

std::unexpected<Error> refuse(std::string_view reason, std::string detail) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

api::Reply protocol_reply(const RefusalRow& row) {
    api::Reply reply;
    reply.status = row.status;
    reply.code = row.reason;
    codec::json::Writer out(reply.body);
    out.begin_object().name("error").string(row.error);
    out.name("error_description").string(row.description).end_object();
    if (row.status == 401) {
        // What is wanted: a client's own credentials, or a token to register with (RFC 6750 §3).
        const bool bearer = row.error == "invalid_token";
        reply.fields.emplace_back("WWW-Authenticate",
                                  bearer ? "Bearer" : R"(Basic realm="gatehouse")");
    }
    reply.fields.emplace_back("Pragma", "no-cache");
    return reply;
}

Task<Result<api::Reply>> in_protocol(Task<Result<api::Reply>> answer) {
    auto done = co_await std::move(answer);
    if (done) co_return done;
    if (const auto* row = row_of(done.error().reason)) co_return protocol_reply(*row);
    const auto status = api::status_of(done.error().kind);
    if (status < 500) co_return done;
    const bool moments = status == 503;
    auto reply = protocol_reply({.reason = done.error().reason,
                                 .error = moments ? "temporarily_unavailable" : "server_error",
                                 .description = moments ? "Something that is needed is away."
                                                        : "Something went wrong here.",
                                 .status = status});
    if (moments) reply.fields.emplace_back("Retry-After", "1");
    reply.failure = std::move(done).error();
    co_return reply;
}

}  // namespace gh::identity::oauth
