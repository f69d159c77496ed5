// A token for one who acts for another (RFC 8693).

#include <algorithm>

#include "base/id.hpp"
#include "base/try.hpp"
#include "identity/names.hpp"
#include "identity/oauth/acts.hpp"
#include "identity/oauth/issue.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/token_endpoint.hpp"
#include "identity/oauth/token_exchange.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::string_view access_token_type = "urn:ietf:params:oauth:token-type:access_token";
constexpr std::string_view jwt_type = "urn:ietf:params:oauth:token-type:jwt";

bool is_ours(std::string_view type) { return type == access_token_type || type == jwt_type; }

/// Bound to nobody, or to who asks.
bool is_held(const KnownToken& token, const Binding& binding) {
    const auto* confirmed = token.said.find("cnf");
    if (confirmed == nullptr) return true;
    const auto holds = [&](std::string_view name, const std::string& held) {
        const auto* wanted = confirmed->find_string(name);
        return wanted == nullptr || *wanted == held;
    };
    return holds("jkt", binding.dpop_jkt) && holds("x5t#S256", binding.certificate);
}

/// A client may exchange what was made for it: a token of its own, or one that was sent to it as a resource. The latter was
/// proven to it by its sender; a bound one of its own it proves itself.
bool may_exchange(const Client& client, const KnownToken& token, const Binding& binding) {
    const bool recipient = std::ranges::any_of(
        token.audience, [&](const std::string& each) { return has_name(client.serves, each); });
    return recipient || (token.claims.client_id == client.id && is_held(token, binding));
}

struct ExchangeTokens {
    KnownToken subject;
    std::optional<KnownToken> actor;
};

Result<ExchangeTokens> tokens_of(const Server& server, const TokenRequest& request) {
    const auto& parameters = request.parameters;
    GH_TRY(const auto text, parameters.required("subject_token"));
    GH_TRY(const auto type, parameters.required("subject_token_type"));
    if (!is_ours(type)) return refuse("oauth.token_type");
    const auto wanted = parameters["requested_token_type"];
    if (!wanted.empty() && !is_ours(wanted)) return refuse("oauth.token_type");
    auto subject = known_token(server, text, request.now);
    if (!subject || !may_exchange(request.client, *subject, request.wish.binding))
        return refuse("oauth.subject_token");
    ExchangeTokens tokens{*std::move(subject), {}};
    if (!parameters.has("actor_token")) {
        if (parameters.has("actor_token_type")) return refuse("oauth.malformed");
        return tokens;
    }
    GH_TRY(const auto actor_type, parameters.required("actor_token_type"));
    if (!is_ours(actor_type)) return refuse("oauth.token_type");
    tokens.actor = known_token(server, parameters["actor_token"], request.now);
    // One who acts for somebody does not lend that to the next.
    const bool good = tokens.actor && tokens.actor->claims.client_id == request.client.id &&
                      !tokens.actor->claims.delegated &&
                      is_held(*tokens.actor, request.wish.binding);
    if (!good) return refuse("oauth.actor_token");
    return tokens;
}

Result<DelegationWish> wish_of(const TokenRequest& request) {
    DelegationWish wish;
    wish.scopes = request.wish.scopes;
    auto names = request.parameters.all("audience");
    names.insert(names.end(), request.wish.resources.begin(), request.wish.resources.end());
    GH_TRY(wish.audience, read_resources(std::move(names)));
    return wish;
}

constexpr storage::Statement select_grant{
    .name = "oauth_access_tokens.grant",
    .sql = "SELECT grant_id FROM oauth_access_tokens WHERE id = $1"};

struct ExchangeWork {
    std::string subject_token_id, token_id;
    SystemTime expires;
    audit::Record act;
};

/// What comes of a grant by way of others ends with it, too.
Task<Result<void>> keep_exchange(storage::Session& session, ExchangeWork work) {
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    GH_CO_TRY(const auto grant, co_await session.query_one(select_grant, work.subject_token_id));
    if (grant) {
        GH_CO_TRY_VOID(
            co_await add_access_token(session, (*grant).text(0), work.token_id, work.expires));
    }
    co_return co_await audit::Log::append(session, work.act);
}

ExchangeWork work_of(const TokenRequest& request, const KnownToken& subject,
                     const Delegation& given) {
    ExchangeWork work{.subject_token_id = subject.claims.token_id,
                      .token_id = std::string(view(uuid_v7(request.now))),
                      .expires = request.now + given.lifetime,
                      .act = act_of_client(request.call, request.client, "oauth.exchange")};
    work.act.act = given.actors;
    work.act.details.push_back({"subject", subject.claims.subject});
    work.act.details.push_back({"scopes", join_names(given.scopes, ' ')});
    work.act.details.push_back({"audience", join_names(given.audience, ' ')});
    return work;
}

}  // namespace

Task<Result<api::Reply>> token_by_exchange(Server& server, TokenRequest request) {
    GH_CO_TRY(const auto tokens, tokens_of(server, request));
    GH_CO_TRY(const auto wish, wish_of(request));
    const auto* actor = tokens.actor ? &*tokens.actor : nullptr;
    GH_CO_TRY(auto given, delegate(tokens.subject, actor, request.client, wish, server.issuer(),
                                   server.parts().access_token_lifetime, request.now));
    GH_CO_TRY_VOID(request.proof.take());
    auto kept = work_of(request, tokens.subject, given);
    TokenAnswer answer;
    answer.grant.id = kept.token_id;
    auto work = [kept = std::move(kept)](storage::Session& session) {
        return keep_exchange(session, kept);
    };
    GH_CO_TRY_VOID(co_await server.parts().database.write(std::move(work)));
    answer.grant.subject = tokens.subject.claims.subject;
    answer.grant.roles = std::move(given.roles);
    answer.grant.scopes = std::move(given.scopes);
    answer.grant.audience = std::move(given.audience);
    answer.grant.client_id = request.client.id;
    answer.grant.service = tokens.subject.claims.service;
    answer.grant.agent = tokens.subject.claims.agent;
    answer.grant.actor = std::move(given.actor);
    answer.grant.origins = std::move(given.origins);
    answer.grant.lifetime = given.lifetime;
    answer.binding = std::move(request.wish.binding);
    answer.issued_token_type = access_token_type;
    co_return reply_with_tokens(server, std::move(answer), request.now);
}

}  // namespace gh::identity::oauth
