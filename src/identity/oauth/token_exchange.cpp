#include "identity/oauth/token_exchange.hpp"

#include <algorithm>

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"

namespace gh::identity::oauth {
namespace {

using Names = std::vector<std::string>;

Names both_have(const Names& some, const Names& others) {
    Names common;
    std::ranges::copy_if(some, std::back_inserter(common),
                         [&](const std::string& each) { return has_name(others, each); });
    return common;
}

/// All that is common, or what is wanted of it.
Result<Names> share(Names common, const Names& wanted, std::string_view reason) {
    if (!has_names(common, wanted)) return refuse(reason);
    auto given = wanted.empty() ? std::move(common) : wanted;
    if (given.empty()) return refuse(reason);
    return given;
}

Result<Names> actors_of(const codec::json::Value& said, std::string actor) {
    Names actors{std::move(actor)};
    for (const auto* act = said.find("act"); act != nullptr; act = act->find("act")) {
        const auto* name = act->find_string("sub");
        if (name == nullptr || actors.size() == actors_max) return refuse("oauth.act_depth");
        actors.push_back(*name);
    }
    return actors;
}

std::string act_claim(const codec::json::Value& said, std::string_view actor) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object().name("sub").string(actor);
    if (const auto* before = said.find("act")) out.name("act").value(*before);
    out.end_object();
    return text;
}

}  // namespace

Result<Delegation> delegate(const KnownToken& subject, const KnownToken* actor,
                            const Client& client, const DelegationWish& wish,
                            std::string_view issuer, seconds lifetime, SystemTime now) {
    auto scopes = both_have(subject.claims.scopes, client.scopes);
    auto allowed = client.resources;
    allowed.emplace_back(issuer);
    auto audience = both_have(subject.audience, allowed);
    auto ends = std::min(subject.claims.expires, now + lifetime);
    Delegation given;
    if (actor != nullptr) {
        scopes = both_have(scopes, actor->claims.scopes);
        audience = both_have(audience, actor->audience);
        given.roles = both_have(subject.claims.roles, actor->claims.roles);
        ends = std::min(ends, actor->claims.expires);
    }
    GH_TRY(given.scopes, share(std::move(scopes), wish.scopes, "oauth.scope"));
    GH_TRY(given.audience, share(std::move(audience), wish.audience, "oauth.resource"));
    const auto& name = actor != nullptr ? actor->claims.subject : client.id;
    GH_TRY(given.actors, actors_of(subject.said, name));
    given.actor = act_claim(subject.said, name);
    given.origins = subject.claims.origins;
    given.origins.push_back(subject.claims.token_id);
    if (actor != nullptr) given.origins.push_back(actor->claims.token_id);
    given.lifetime = std::chrono::floor<seconds>(ends - now);
    return given;
}

}  // namespace gh::identity::oauth
