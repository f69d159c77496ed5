#include "identity/oauth/token_status.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "identity/names.hpp"
#include "identity/oauth/acts.hpp"
#include "identity/oauth/client_authentication.hpp"
#include "identity/oauth/grant_repository.hpp"
#include "identity/oauth/known_token.hpp"
#include "identity/oauth/refusal.hpp"

namespace gh::identity::oauth {
namespace {

using codec::json::Writer;
using storage::Session;

struct RevokeWork {
    std::string text;
    std::string client_id;
    std::optional<Revocation> token;  ///< an access token of the client's
    std::shared_ptr<const ApiKeyHasher> hasher;
    audit::Record act;
    SystemTime now;
};

/// @return what this process has to know
Task<Result<std::vector<Revocation>>> revoke(Session& session, RevokeWork work) {
    std::vector<Revocation> ended;
    GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    if (work.token) {
        ended.push_back(*work.token);
        GH_CO_TRY_VOID(co_await RevocationRepository::record(session, *work.token, work.now));
        work.act.details.push_back({"access_token", work.token->value});
    } else {
        GH_CO_TRY(const auto known,
                  co_await find_refresh(session, work.text, *work.hasher, work.now));
        if (!known || known->grant.client_id != work.client_id) co_return ended;
        GH_CO_TRY(auto voided, co_await end_grant(session, known->grant.id, work.now));
        if (!voided) co_return ended;  // once is enough to tell
        ended = *std::move(voided);
        work.act.details.push_back({"grant", known->grant.id});
    }
    GH_CO_TRY_VOID(co_await audit::Log::append(session, work.act));
    co_return ended;
}

api::Reply inactive() {
    api::Reply reply;
    reply.body = R"({"active":false})";
    return reply;
}

bool may_see(const Client& client, const KnownToken& token) {
    return token.claims.client_id == client.id ||
           std::ranges::any_of(token.audience, [&](const std::string& each) {
               return has_name(client.serves, each);
           });
}

api::Reply describe_token(const KnownToken& token) {
    api::Reply reply;
    Writer out(reply.body);
    out.begin_object().name("active").boolean(true);
    const auto* confirmed = token.said.find("cnf");
    const bool dpop = confirmed != nullptr && confirmed->find("jkt") != nullptr;
    out.name("token_type").string(dpop ? "DPoP" : "Bearer");
    out.name("username").string(token.claims.subject);
    for (const auto& [name, value] : *token.said.object()) out.name(name).value(value);
    out.end_object();
    return reply;
}

std::int64_t numeric_date(SystemTime time) {
    return std::chrono::floor<seconds>(time).time_since_epoch().count();
}

api::Reply describe_refresh(const Server& server, const KnownRefresh& known) {
    api::Reply reply;
    Writer out(reply.body);
    out.begin_object().name("active").boolean(true);
    out.name("scope").string(join_names(known.grant.scopes, ' '));
    out.name("client_id").string(known.grant.client_id);
    out.name("iss").string(server.issuer());
    out.name("exp").integer(numeric_date(known.expires_at)).end_object();
    return reply;
}

api::Reply refuse_token(std::uint16_t status, std::string_view error, std::string_view code) {
    api::Reply reply;
    reply.status = status;
    reply.code = code;
    Writer(reply.body).begin_object().name("error").string(error).end_object();
    reply.fields.emplace_back("WWW-Authenticate", "Bearer error=\"" + std::string(error) + "\"");
    return reply;
}

}  // namespace

Task<Result<api::Reply>> answer_revoke(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto parameters, Parameters::read(body));
    GH_CO_TRY(const auto client, co_await authenticate_client(server, call, parameters));
    GH_CO_TRY(auto text, parameters.required("token"));
    const auto now = server.now();
    RevokeWork revoke_work{.text = std::move(text),
                           .client_id = client.id,
                           .token = {},
                           .hasher = server.parts().hasher,
                           .act = act_of_client(call, client, "oauth.revoke"),
                           .now = now};
    if (const auto token = known_token(server, revoke_work.text, now)) {
        if (token->claims.client_id != client.id) co_return api::Reply{};
        revoke_work.token = Revocation{RevocationKind::token, token->claims.token_id,
                                       next_millisecond(now), token->claims.expires};
    }
    auto work = [revoke_work = std::move(revoke_work)](Session& session) {
        return revoke(session, revoke_work);
    };
    GH_CO_TRY(const auto ended, co_await server.parts().database.write(std::move(work)));
    server.parts().revocations.add(ended, now);
    co_return api::Reply{};
}

Task<Result<api::Reply>> answer_introspect(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto parameters, Parameters::read(body));
    GH_CO_TRY(const auto client, co_await authenticate_client(server, call, parameters));
    if (client.is_public()) co_return refuse("oauth.client_public");
    GH_CO_TRY(auto text, parameters.required("token"));
    const auto now = server.now();
    if (const auto token = known_token(server, text, now))
        co_return may_see(client, *token) ? describe_token(*token) : inactive();
    auto work = [text = std::move(text), hasher = server.parts().hasher, now](Session& session) {
        return find_refresh(session, text, *hasher, now);
    };
    GH_CO_TRY(const auto known, co_await server.parts().database.read(std::move(work)));
    const bool own = known && known->active && known->grant.client_id == client.id;
    co_return own ? describe_refresh(server, *known) : inactive();
}

Task<Result<api::Reply>> answer_userinfo(Server& server, api::Call call) {
    const auto& asks = call.principal;
    if (asks.issuer != server.issuer() || asks.type == access::PrincipalType::service)
        co_return refuse_token(401, "invalid_token", "oauth.userinfo_token");
    if (!has_name(asks.scopes, "openid"))
        co_return refuse_token(403, "insufficient_scope", "oauth.userinfo_scope");
    auto found = co_await server.parts().users.find_by_name(asks.subject);
    if (!found && found.error().kind == ErrorKind::not_found)
        co_return refuse_token(401, "invalid_token", "oauth.userinfo_user");
    if (!found) co_return std::unexpected(std::move(found).error());
    const auto& user = found->user;
    api::Reply reply;
    Writer out(reply.body);
    out.begin_object().name("sub").string(user.name);
    if (has_name(asks.scopes, "profile")) {
        out.name("name").string(user.name).name("preferred_username").string(user.name);
        out.name("updated_at").integer(numeric_date(user.updated_at));
    }
    if (has_name(asks.scopes, "email") && user.email) {
        // Nobody has asked the address itself.
        out.name("email").string(*user.email).name("email_verified").boolean(false);
    }
    out.end_object();
    co_return reply;
}

}  // namespace gh::identity::oauth
