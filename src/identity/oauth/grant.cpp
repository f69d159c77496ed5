#include "identity/oauth/grant.hpp"

#include "identity/names.hpp"
#include "identity/oauth/refusal.hpp"

namespace gh::identity::oauth {

Result<Portion> portion_of(const Grant& grant, const Wish& wish) {
    if (!grant.dpop_jkt.empty() && grant.dpop_jkt != wish.binding.dpop_jkt)
        return refuse("oauth.grant_binding");
    if (!grant.certificate.empty() && grant.certificate != wish.binding.certificate)
        return refuse("oauth.grant_binding");
    if (!has_names(grant.scopes, wish.scopes)) return refuse("oauth.scope");
    if (!has_names(grant.resources, wish.resources)) return refuse("oauth.resource");
    return Portion{wish.scopes.empty() ? grant.scopes : wish.scopes,
                   wish.resources.empty() ? grant.resources : wish.resources};
}

Result<Portion> allowed_portion(const Client& client, std::vector<std::string> scopes,
                                std::vector<std::string> resources, std::string_view issuer) {
    if (scopes.empty()) scopes = client.scopes;
    if (!has_names(client.scopes, scopes)) return refuse("oauth.scope");
    // A token for somebody else and for us, too, could be turned against us by them.
    const bool ourselves = resources.size() == 1 && resources.front() == issuer;
    if (!ourselves && !has_names(client.resources, resources)) return refuse("oauth.resource");
    return Portion{std::move(scopes), std::move(resources)};
}

}  // namespace gh::identity::oauth
