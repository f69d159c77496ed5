#include "identity/oauth/token_endpoint.hpp"

#include <algorithm>
#include <array>

#include "base/try.hpp"
#include "identity/names.hpp"
#include "identity/oauth/client_authentication.hpp"
#include "identity/oauth/issue.hpp"
#include "identity/oauth/refusal.hpp"

namespace gh::identity::oauth {
namespace {

struct GrantType {
    std::string_view name;
    Task<Result<api::Reply>> (*answer)(Server&, TokenRequest);
};

constexpr std::array grant_types{
    GrantType{grant_code, token_by_code},
    GrantType{grant_refresh, token_by_refresh},
    GrantType{grant_credentials, token_by_credentials},
    GrantType{grant_password, token_by_password},
    GrantType{grant_device, token_by_device},
    GrantType{grant_exchange, token_by_exchange},
};

Result<const GrantType*> grant_type_of(const Server& server, const Parameters& parameters) {
    GH_TRY(const auto name, parameters.required("grant_type"));
    for (const auto& each : grant_types) {
        if (each.name != name) continue;
        if (name == grant_password && !server.parts().password_grant) break;
        return &each;
    }
    return refuse("oauth.grant_type");
}

Result<Wish> wish_of(const Parameters& parameters) {
    Wish wish;
    GH_TRY(wish.scopes, read_scopes(parameters["scope"]));
    GH_TRY(wish.resources, read_resources(parameters.all("resource")));
    return wish;
}

Task<Result<void>> end_without_user(Server& server, std::string grant_id, SystemTime now) {
    auto work = [grant_id = std::move(grant_id), now](storage::Session& session) {
        return end_grant(session, grant_id, now);
    };
    GH_CO_TRY(const auto ended, co_await server.parts().database.write(std::move(work)));
    if (ended) server.parts().revocations.add(*ended, now);
    co_return Result<void>{};
}

}  // namespace

Task<Result<api::Reply>> answer_token(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(auto parameters, Parameters::read(body));
    GH_CO_TRY(auto client, co_await authenticate_client(server, call, parameters));
    GH_CO_TRY(const auto* grant_type, grant_type_of(server, parameters));
    if (!client.may_use(grant_type->name)) co_return refuse("oauth.grant_not_allowed");
    GH_CO_TRY(auto wish, wish_of(parameters));
    const auto now = server.now();
    GH_CO_TRY(auto proven, proven_by(server, call, client, now));
    wish.binding = std::move(proven.binding);
    TokenRequest request{.call = call,
                         .parameters = std::move(parameters),
                         .client = std::move(client),
                         .wish = std::move(wish),
                         .proof = std::move(proven.proof),
                         .now = now};
    co_return co_await grant_type->answer(server, std::move(request));
}

Task<Result<void>> record_theft(storage::Session& session, audit::Record act,
                                const Claimed& claimed) {
    constexpr std::array<std::string_view, 7> thefts{
        "oauth.code_client",   "oauth.code_redirect",   "oauth.code_replayed",
        "oauth.code_verifier", "oauth.device_replayed", "oauth.refresh_reused",
        "oauth.grant_binding"};
    const bool theft = std::ranges::find(thefts, claimed.refusal) != thefts.end();
    // Whoever repeats it has nothing left to end, and would fill the log for good.
    if (!theft || !claimed.ended) co_return Result<void>{};
    act.action = claimed.refusal;
    act.severity = audit::Severity::high;
    act.outcome = audit::Outcome::denied;
    act.details.push_back({"grant", claimed.grant->id});
    act.details.push_back({"user", claimed.grant->user_id});
    co_return co_await audit::Log::append(session, std::move(act));
}

Task<Result<api::Reply>> reply_for_grant(Server& server, TokenRequest request,
                                         GrantedTokens granted) {
    auto user = co_await server.parts().users.find(granted.grant.user_id);
    if (!user && user.error().kind != ErrorKind::not_found)
        co_return std::unexpected(std::move(user).error());
    if (!user || user->disabled_at || granted.grant.created_at < user->tokens_valid_from) {
        GH_CO_TRY_VOID(co_await end_without_user(server, granted.grant.id, request.now));
        co_return refuse("oauth.user");
    }
    TokenAnswer answer;
    answer.grant.id = std::move(granted.token_id);
    answer.grant.subject = std::move(user->name);
    answer.grant.roles = std::move(user->roles);
    answer.grant.scopes = std::move(granted.portion.scopes);
    answer.grant.audience = std::move(granted.portion.resources);
    answer.grant.client_id = request.client.id;
    answer.grant.lifetime = server.parts().access_token_lifetime;
    answer.binding = std::move(request.wish.binding);
    answer.refresh_token = std::move(granted.refresh_token);
    if (has_name(answer.grant.scopes, "openid") && server.has_id_tokens())
        answer.signed_in = SignedIn{std::move(granted.nonce), granted.grant.signed_in_at};
    co_return reply_with_tokens(server, std::move(answer), request.now);
}

}  // namespace gh::identity::oauth
