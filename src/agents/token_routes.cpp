#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/agent_rows.hpp"
#include "agents/room.hpp"
#include "agents/route_words.hpp"
#include "api/object.hpp"
#include "api/paging.hpp"
#include "audit/act.hpp"
#include "base/try.hpp"
#include "net/loop.hpp"

namespace gh::agents {
namespace {

using access::Access;
using access::Permission;
using api::Object;

const api::Type<Token>& token_type() {
    using T = Token;
    static const auto moment = api::maybe(api::time());
    static const auto type =
        Object<T>("AgentToken", "A refresh token, without what it could be used with.")
            .required("id", &T::id, api::text(), "Stands in the token itself, and in logs.")
            .required("agent_id", &T::agent_id, api::text(), "Whose it is.")
            .required("family", &T::family, api::text(), "Of those that came of one another.")
            .required("created_by", &T::created_by, api::text({.length_max = 512}),
                      "Who had the first of them made.")
            .required("created_at", &T::created_at, api::time(), "When it was made.")
            .required("expires_at", &T::expires_at, api::time(), "When it ends.")
            .optional("used_at", &T::used_at, moment, "When it was exchanged for the next.")
            .optional("revoked_at", &T::revoked_at, moment, "When it was ended.")
            .optional("last_used_at", &T::last_used_at, moment,
                      "It, or an access token of its family; to within seconds.")
            .type();
    return type;
}

const api::Type<api::Items<Token>>& token_page_type() {
    static const auto type = api::page_of("AgentTokenPage", token_type());
    return type;
}

struct WantedToken {
    std::optional<std::int64_t> expires_in_seconds;
};

const api::Type<WantedToken>& wanted_token_type() {
    static const auto type =
        Object<WantedToken>("NewAgentToken", "Tokens to be made.")
            .optional("expires_in_seconds", &WantedToken::expires_in_seconds,
                      api::maybe(api::integer_64(60, seconds(std::chrono::days(30)).count())),
                      "Of the refresh token; a day, unless the configuration says otherwise.")
            .type();
    return type;
}

void tell_token(audit::Record& record, const Token& token) {
    record.object_id = token.agent_id;
    record.details.push_back({"token", token.id});
    record.details.push_back({"family", token.family});
}

storage::Also<Token> recorded(const api::Call& call, std::string action) {
    return audit::also<Token>(audit::act_of(call, std::move(action), "agent"), tell_token);
}

/// Only for who has come and may: in the same transaction, so that nobody is shut out in between.
Task<Result<void>> judge_and(storage::Session& session, Token token, storage::Also<Token> also) {
    GH_CO_TRY(const auto agent, co_await read_agent(session, token.agent_id));
    if (agent.status == Status::retired) co_return fail(ErrorKind::conflict, "agent.retired");
    if (agent.status == Status::pending || is_shut_out(agent.status))
        co_return fail(ErrorKind::conflict, "agent.status");
    co_return co_await also.after(session, token);
}

Task<Result<api::Reply>> add(Room& room, api::Call call, WantedToken wanted) {
    GH_CO_TRY(const auto agent, co_await room.agents.find(std::string(call.param("agent"))));
    const auto now = net::Loop::current()->system_now();
    const auto lifetime =
        wanted.expires_in_seconds ? seconds(*wanted.expires_in_seconds) : room.config.token_ttl;
    auto made = make_token(now);
    NewToken token{.made = made,
                   .agent_id = agent.id,
                   .family = {},
                   .created_by = who(call),
                   .expires_at = now + lifetime};
    auto also = recorded(call, "agent.token_create");
    storage::Also<Token> judged{.before = also.before,
                                .after = [also](storage::Session& session, const Token& put) {
                                    return judge_and(session, put, also);
                                }};
    auto kept = co_await room.tokens.add(std::move(token), now, std::move(judged));
    if (!kept) co_return refused_by_rules(call, std::move(kept).error());
    co_return api::created("/api/v1/agents/" + agent.id + "/tokens/" + kept->id, token_pair_type(),
                           token_pair(room, *kept, made, now));
}

Task<Result<api::Reply>> list(Room& room, api::Call call, api::Page query) {
    GH_CO_TRY(const auto agent, co_await room.agents.find(std::string(call.param("agent"))));
    std::optional<std::pair<SystemTime, std::string>> after;
    if (query.after) {
        GH_CO_TRY(const auto time, api::time_of_key(query.after->front()));
        after = {time, query.after->back()};
    }
    GH_CO_TRY(auto found,
              co_await room.tokens.list(agent.id, std::move(after), query.limit + std::size_t{1},
                                        static_cast<std::size_t>(query.offset)));
    api::Items<Token> page;
    if (found.size() > query.limit) {
        found.resize(query.limit);
        page.next_cursor = api::encode_cursor(
            "agent_tokens", {api::key_of_time(found.back().created_at), found.back().id});
    }
    page.items = std::move(found);
    co_return api::reply(200, token_page_type(), page);
}

Task<Result<api::Reply>> show(Room& room, api::Call call) {
    GH_CO_TRY(const auto token, co_await room.tokens.find(std::string(call.param("agent")),
                                                          std::string(call.param("token"))));
    co_return api::reply(200, token_type(), token);
}

Task<Result<void>> end_and(storage::Session& session, Credentials& credentials, Token token,
                           SystemTime now, storage::Also<Token> also) {
    GH_CO_TRY_VOID(co_await credentials.end_family(session, token.family, now));
    co_return co_await also.after(session, token);
}

Task<Result<api::Reply>> revoke(Room& room, api::Call call) {
    const auto now = net::Loop::current()->system_now();
    auto also = recorded(call, "agent.token_revoke");
    storage::Also<Token> ends{
        .before = also.before,
        .after = [&room, now, also](storage::Session& session, const Token& token) {
            return end_and(session, room.credentials, token, now, also);
        }};
    GH_CO_TRY(const auto token,
              co_await room.tokens.revoke(std::string(call.param("agent")),
                                          std::string(call.param("token")), now, std::move(ends)));
    room.credentials.family_ended(token.family, now);
    co_return api::reply(200, token_type(), token);
}

}  // namespace

std::vector<api::Route> token_routes(Room& room) {
    const auto one = api::answers(200, "The token.", token_type());
    return {
        {.method = "GET",
         .path = "/api/v1/agents/{agent}/tokens",
         .access = Access::permission(Permission::agents_read),
         .handle = api::with(room, list, api::query(api::page_query("agent_tokens", 2))),
         .summary = "Its refresh tokens, in the order of their making.",
         .answers = {api::answers(200, "A page of them.", token_page_type())}},
        {.method = "POST",
         .path = "/api/v1/agents/{agent}/tokens",
         .access = Access::permission(Permission::agents_write),
         .handle = api::with(room, add, api::json_body(wanted_token_type())),
         .summary = "Makes tokens for an agent that has come.",
         .answers = {api::answers(201, "They, shown this once.", token_pair_type())},
         .body_bytes_max = 4 * 1024},
        {.method = "GET",
         .path = "/api/v1/agents/{agent}/tokens/{token}",
         .access = Access::permission(Permission::agents_read),
         .handle = api::with(room, show),
         .summary = "One refresh token, without its text.",
         .answers = {one}},
        {.method = "DELETE",
         .path = "/api/v1/agents/{agent}/tokens/{token}",
         .access = Access::permission(Permission::agents_write),
         .handle = api::with(room, revoke),
         .summary = "Ends it, its family, and their access tokens.",
         .answers = {one}},
    };
}

}  // namespace gh::agents
