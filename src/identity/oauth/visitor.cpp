#include "identity/oauth/visitor.hpp"

#include "base/try.hpp"
#include "identity/oauth/cookies.hpp"
#include "identity/oauth/network.hpp"
#include "identity/route_words.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::string_view cookie = "gatehouse_session";

}  // namespace

Task<Result<std::optional<BrowserSession>>> session_of(Server& server, api::Call call,
                                                       SystemTime now) {
    const auto text = find_cookie(call.head.fields, cookie_name(cookie, server.is_https()));
    if (!text) co_return std::nullopt;
    co_return co_await server.sessions().find(std::string(*text), now);
}

Task<Result<Entered>> enter(Server& server, api::Call call, const Parameters& parameters,
                            SystemTime now) {
    Entered entered;
    const std::string name(parameters["username"]);
    SignInAttempt attempt{name, crypto::Secret(parameters["password"]), network_of(call)};
    GH_CO_TRY(auto outcome, co_await server.parts().sign_in.check(std::move(attempt)));
    if (outcome.wait) {
        entered.retry_after = retry_after(*outcome.wait);
        entered.message = "Too many attempts. Try again in " + entered.retry_after + " seconds.";
        co_return entered;
    }
    GH_CO_TRY_VOID(co_await server.parts().audit.append(attempt_record(call, name, outcome)));
    if (!outcome.user) {
        entered.message = access::text_of(access::Refusal::login);
        co_return entered;
    }
    if (outcome.user->password_change_required) {
        entered.message = "The password is for one use: set a new one first.";
        co_return entered;
    }
    GH_CO_TRY(entered.cookie, co_await server.sessions().begin(outcome.user->id, now));
    entered.session = BrowserSession{id_of_secret(SecretKind::session, entered.cookie).value(),
                                     *std::move(outcome.user), now};
    co_return entered;
}

void set_session_cookie(const Server& server, std::string_view value, api::Reply& reply) {
    const bool secure = server.is_https();
    const long max_age = value.empty() ? 0 : seconds(session_lifetime).count();
    reply.fields.emplace_back("Set-Cookie",
                              set_cookie(cookie_name(cookie, secure), value, max_age, secure));
}

}  // namespace gh::identity::oauth
