#include "identity/oauth/known_token.hpp"

#include "identity/principal.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::string_view access_token_type = "at+jwt";  // RFC 9068 §2.1

std::vector<std::string> audience_of(const codec::json::Value& said) {
    std::vector<std::string> audience;
    const auto* claim = said.find("aud");
    if (claim == nullptr || claim->array() == nullptr) return audience;  // ours are arrays
    for (const auto& each : *claim->array()) {
        if (each.string() != nullptr) audience.push_back(*each.string());
    }
    return audience;
}

}  // namespace

std::optional<KnownToken> known_token(const Server& server, std::string_view text, SystemTime now) {
    const auto jwt = parse_jwt(text);
    if (!jwt || jwt->jws.header->type != access_token_type) return {};
    JwtPolicy policy;
    policy.issuer = server.issuer();
    policy.any_audience = true;
    auto claims = verify_jwt(*jwt, *server.parts().issuer.keys()->verification_keys(), policy, now);
    if (!claims) return {};
    const auto principal =
        principal_of(*claims, access::PrincipalType::user, access::RevokedBy::token_list);
    if (server.parts().revocations.covers(*principal)) return {};
    auto said = jwt->claims.root().value();
    auto audience = audience_of(said);
    return KnownToken{*std::move(claims), std::move(said), std::move(audience)};
}

}  // namespace gh::identity::oauth
