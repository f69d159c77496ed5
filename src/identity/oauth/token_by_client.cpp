// Tokens without a user who could be asked: by the client's own credentials, and by a password it was told.

#include "base/id.hpp"
#include "base/try.hpp"
#include "identity/oauth/issue.hpp"
#include "identity/oauth/network.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/token_endpoint.hpp"
#include "identity/route_words.hpp"

namespace gh::identity::oauth {
namespace {

TokenAnswer answer_of(const Server& server, TokenRequest& request, Portion portion) {
    TokenAnswer answer;
    answer.grant.scopes = std::move(portion.scopes);
    answer.grant.audience = std::move(portion.resources);
    answer.grant.client_id = request.client.id;
    answer.grant.lifetime = server.parts().access_token_lifetime;
    answer.binding = std::move(request.wish.binding);
    return answer;
}

}  // namespace

Task<Result<api::Reply>> token_by_credentials(Server& server, TokenRequest request) {
    GH_CO_TRY(auto portion, allowed_portion(request.client, std::move(request.wish.scopes),
                                            std::move(request.wish.resources), server.issuer()));
    auto answer = answer_of(server, request, std::move(portion));
    GH_CO_TRY_VOID(request.proof.take());
    answer.grant.subject = request.client.id;
    answer.grant.service = true;
    co_return reply_with_tokens(server, std::move(answer), request.now);
}

Task<Result<api::Reply>> token_by_password(Server& server, TokenRequest request) {
    GH_CO_TRY(auto name, request.parameters.required("username"));
    const auto typed = name;
    crypto::Secret password(request.parameters["password"]);
    GH_CO_TRY(auto portion, allowed_portion(request.client, std::move(request.wish.scopes),
                                            std::move(request.wish.resources), server.issuer()));
    SignInAttempt attempt{std::move(name), std::move(password), network_of(request.call)};
    GH_CO_TRY(auto outcome, co_await server.parts().sign_in.check(std::move(attempt)));
    if (outcome.wait) {
        auto reply = protocol_reply(*row_of("oauth.throttled"));
        reply.fields.emplace_back("Retry-After", retry_after(*outcome.wait));
        co_return reply;
    }
    GH_CO_TRY_VOID(
        co_await server.parts().audit.append(attempt_record(request.call, typed, outcome)));
    if (!outcome.user || outcome.user->password_change_required) co_return refuse("oauth.password");
    auto answer = answer_of(server, request, std::move(portion));
    GH_CO_TRY_VOID(request.proof.take());
    answer.grant.subject = std::move(outcome.user->name);
    answer.grant.roles = std::move(outcome.user->roles);
    co_return reply_with_tokens(server, std::move(answer), request.now);
}

}  // namespace gh::identity::oauth
