#include "identity/oauth/authorize_endpoint.hpp"

#include "base/id.hpp"
#include "base/try.hpp"
#include "codec/percent.hpp"
#include "identity/names.hpp"
#include "identity/oauth/acts.hpp"
#include "identity/oauth/authorize_pages.hpp"
#include "identity/oauth/consent.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/page.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/uri.hpp"
#include "identity/oauth/visitor.hpp"

namespace gh::identity::oauth {
namespace {

using storage::Session;

void append(std::string& parameters, std::string_view name, std::string_view value) {
    if (!parameters.empty()) parameters += '&';
    parameters.append(name).append("=").append(codec::percent_encode(value));
}

/// Back to the client: a proven redirect URI, with `state` and who answers (RFC 9207).
api::Reply send_back(const Server& server, std::string_view redirect_uri, std::string_view state,
                     std::string parameters) {
    if (!state.empty()) append(parameters, "state", state);
    append(parameters, "iss", server.issuer());
    return see_other(with_parameters(redirect_uri, parameters));
}

api::Reply send_error(const Server& server, std::string_view redirect_uri, std::string_view state,
                      std::string_view reason) {
    const auto* row = row_of(reason);
    std::string parameters;
    append(parameters, "error", row->error);
    append(parameters, "error_description", row->description);
    auto reply = send_back(server, redirect_uri, state, std::move(parameters));
    reply.code = row->reason;
    return reply;
}

api::Reply send_error(const Server& server, const Visit& visit, std::string_view reason) {
    return send_error(server, visit.request.redirect_uri, visit.request.state, reason);
}

/// What a visit begins with: the visit, or the answer that ends it.
struct Opening {
    std::optional<Visit> visit;
    api::Reply answer;
};

Opening over(api::Reply answer) { return {{}, std::move(answer)}; }

/// Nothing is sent anywhere before client and redirect URI are proven: until then it is told to who looks.
Task<Result<Opening>> open_visit(Server& server, api::Call call, const Parameters& parameters) {
    auto client = co_await server.clients().find(std::string(parameters["client_id"]));
    if (!client && client.error().kind != ErrorKind::not_found)
        co_return std::unexpected(std::move(client).error());
    if (!client || client->disabled_at) {
        co_return over(failure_page(400, "oauth.client_unknown",
                                    "The application that sent you here is not known."));
    }
    auto redirect_uri = proven_redirect_uri(*client, parameters);
    if (!redirect_uri) {
        co_return over(failure_page(400, "oauth.redirect_uri",
                                    "The application that sent you here did not say where to go "
                                    "back to, or has not registered that address."));
    }
    auto request = read_authorization_request(*client, parameters, *redirect_uri, server.issuer());
    if (!request) {
        auto state = parameters["state"];
        if (state.size() > state_bytes_max) state = {};
        co_return over(send_error(server, *redirect_uri, state, request.error().reason));
    }
    Visit visit{.call = call,
                .client = *std::move(client),
                .request = *std::move(request),
                .browser = browser_of(server, call),
                .session = {},
                .is_fresh = false,
                .agreed = false,
                .session_cookie = {},
                .now = server.now()};
    GH_CO_TRY(visit.session, co_await session_of(server, call, visit.now));
    co_return Opening{std::move(visit), {}};
}

bool must_sign_in(const Visit& visit) {
    if (!visit.session) return true;
    if (visit.is_fresh) return false;
    return visit.request.prompt_login ||
           (visit.request.max_age &&
            visit.now - visit.session->signed_in_at > *visit.request.max_age);
}

/// Everything that goes into the transaction that makes a code.
struct CodeWork {
    Grant grant;
    NewCode code;
    bool keep_consent = false;
    audit::Record consent;
    SystemTime now;
};

/// @return what this process has to know of older grants
Task<Result<std::vector<Revocation>>> make_code(Session& session, CodeWork work) {
    const auto& grant = work.grant;
    if (work.keep_consent) {
        GH_CO_TRY_VOID(co_await audit::Log::lock(session));
        Portion portion{grant.scopes, grant.resources};
        GH_CO_TRY_VOID(co_await keep_consent(session, grant.user_id, grant.client_id,
                                             std::move(portion), work.now));
        GH_CO_TRY_VOID(co_await audit::Log::append(session, work.consent));
    }
    GH_CO_TRY(auto ended, co_await add_grant(session, grant, work.now));
    GH_CO_TRY_VOID(co_await add_code(session, grant.id, work.code, work.now));
    co_return ended;
}

CodeWork code_work_of(const Server& server, const Visit& visit) {
    CodeWork work;
    work.now = visit.now;
    work.grant.id = view(uuid_v7(visit.now));
    work.grant.client_id = visit.client.id;
    work.grant.user_id = visit.session->user.id;
    work.grant.scopes = visit.request.portion.scopes;
    work.grant.resources = visit.request.portion.resources;
    work.grant.nonce = visit.request.nonce;
    work.grant.dpop_jkt = visit.request.dpop_jkt;
    work.grant.signed_in_at = visit.session->signed_in_at;
    work.grant.created_at = visit.now;
    work.grant.expires_at = visit.now + code_lifetime;
    work.code.secret = make_secret(SecretKind::code, *server.parts().hasher);
    work.code.redirect_uri = visit.request.redirect_uri;
    work.code.challenge = visit.request.challenge;
    work.keep_consent = visit.agreed;
    work.consent = act_of_user(visit.call, visit.session->user.name, visit.client, "oauth.consent");
    work.consent.details.push_back({"scopes", join_names(work.grant.scopes, ' ')});
    return work;
}

Task<Result<api::Reply>> send_code(Server& server, const Visit& visit) {
    auto code_work = code_work_of(server, visit);
    std::string parameters;
    append(parameters, "code", code_work.code.secret.text);
    auto work = [code_work = std::move(code_work)](Session& session) {
        return make_code(session, code_work);
    };
    GH_CO_TRY(const auto ended, co_await server.parts().database.write(std::move(work)));
    server.parts().revocations.add(ended, visit.now);
    co_return send_back(server, visit.request.redirect_uri, visit.request.state,
                        std::move(parameters));
}

/// What was agreed to once counts again, but not for a redirect URI that others may listen at (RFC 8252 §8.6).
Task<Result<bool>> must_agree(Server& server, const Visit& visit) {
    if (visit.agreed) co_return false;
    if (visit.request.prompt_consent || is_contested(visit.request.redirect_uri)) co_return true;
    auto work = [user = visit.session->user.id, client = visit.client.id,
                 portion = visit.request.portion](Session& session) {
        return has_consent(session, user, client, portion);
    };
    GH_CO_TRY(const bool agreed, co_await server.parts().database.read(std::move(work)));
    co_return !agreed;
}

Task<Result<api::Reply>> go_on(Server& server, Visit visit) {
    if (must_sign_in(visit)) {
        co_return visit.request.prompt_none ? send_error(server, visit, "oauth.sign_in")
                                            : ask_to_sign_in(server, visit);
    }
    GH_CO_TRY(const bool ask, co_await must_agree(server, visit));
    api::Reply reply;
    if (!ask) {
        GH_CO_TRY(reply, co_await send_code(server, visit));
    } else if (visit.request.prompt_none) {
        reply = send_error(server, visit, "oauth.consent");
    } else {
        reply = ask_for_consent(server, visit);
    }
    if (!visit.session_cookie.empty()) set_session_cookie(server, visit.session_cookie, reply);
    co_return reply;
}

constexpr std::string_view stale_form =
    "This page is too old, or was not made for this browser. Go back to the application and begin "
    "again.";

Task<Result<api::Reply>> submit_sign_in(Server& server, Visit visit, const Parameters& form) {
    if (!is_sealed(server, visit.call, form["seal"], sign_in_purpose(visit), visit.now))
        co_return failure_page(400, "oauth.form", stale_form);
    GH_CO_TRY(auto entered, co_await enter(server, visit.call, form, visit.now));
    if (!entered.session) {
        auto reply = ask_to_sign_in(server, visit, entered.message);
        if (!entered.retry_after.empty()) {
            reply.status = 429;
            reply.fields.emplace_back("Retry-After", entered.retry_after);
        }
        co_return reply;
    }
    visit.session = std::move(entered.session);
    visit.session_cookie = std::move(entered.cookie);
    visit.is_fresh = true;
    co_return co_await go_on(server, std::move(visit));
}

Task<Result<api::Reply>> submit_consent(Server& server, Visit visit, const Parameters& form) {
    if (!visit.session ||
        !is_sealed(server, visit.call, form["seal"], consent_purpose(visit), visit.now)) {
        co_return failure_page(400, "oauth.form", stale_form);
    }
    const auto choice = form["choice"];
    if (choice == "switch") {
        GH_CO_TRY_VOID(co_await server.sessions().end(visit.session->id));
        auto reply = ask_to_sign_in(server, visit);
        set_session_cookie(server, {}, reply);
        co_return reply;
    }
    if (choice != "allow") co_return send_error(server, visit, "oauth.denied");
    visit.is_fresh = visit.agreed = true;
    co_return co_await go_on(server, std::move(visit));
}

Task<Result<api::Reply>> visit_with(Server& server, api::Call call, std::string_view text) {
    const auto parameters = Parameters::read(text);
    if (!parameters) {
        co_return failure_page(400, "oauth.malformed",
                               "The application that sent you here asked in a way that cannot be "
                               "understood.");
    }
    GH_CO_TRY(auto opening, co_await open_visit(server, call, *parameters));
    if (!opening.visit) co_return std::move(opening.answer);
    co_return co_await go_on(server, *std::move(opening.visit));
}

}  // namespace

Task<Result<api::Reply>> show_authorize(Server& server, api::Call call) {
    return visit_with(server, call, call.query);
}

Task<Result<api::Reply>> submit_authorize(Server& server, api::Call call, std::string_view body) {
    const auto form = Parameters::read(body);
    if (!form) co_return failure_page(400, "oauth.malformed", stale_form);
    if (!form->has("form")) co_return co_await visit_with(server, call, body);
    const auto parameters = Parameters::read(call.query);
    if (!parameters) co_return failure_page(400, "oauth.malformed", stale_form);
    GH_CO_TRY(auto opening, co_await open_visit(server, call, *parameters));
    if (!opening.visit) co_return std::move(opening.answer);
    if ((*form)["form"] == "sign_in")
        co_return co_await submit_sign_in(server, *std::move(opening.visit), *form);
    co_return co_await submit_consent(server, *std::move(opening.visit), *form);
}

}  // namespace gh::identity::oauth
