#include "identity/oauth/client.hpp"

#include <algorithm>
#include <array>

#include "codec/utf8.hpp"
#include "identity/names.hpp"
#include "identity/oauth/uri.hpp"

namespace gh::identity::oauth {
namespace {

constexpr std::array<std::string_view, 4> ways{"none", "client_secret_basic", "client_secret_post",
                                               "tls_client_auth"};
constexpr std::array grants{grant_code,     grant_refresh, grant_credentials,
                            grant_password, grant_device,  grant_exchange};
constexpr std::size_t certificate_name_bytes_max = 1024;

std::unexpected<Error> refuse_client(std::string_view reason, std::string detail) {
    return fail(ErrorKind::invalid_argument, reason, std::move(detail));
}

bool good_name(std::string_view name) {
    return !name.empty() && name.size() <= client_name_bytes_max && codec::is_utf8(name) &&
           !codec::has_control_character(name) && name.front() != ' ' && name.back() != ' ';
}

void settle(std::vector<std::string>& names) {
    std::ranges::sort(names);
    const auto [first, last] = std::ranges::unique(names);
    names.erase(first, last);
}

Result<void> check_grants(const NewClient& client) {
    const auto uses = [&](std::string_view grant) { return has_name(client.grants, grant); };
    if (client.grants.empty() || !std::ranges::all_of(client.grants, [](const auto& grant) {
            return std::ranges::find(grants, grant) != grants.end();
        })) {
        return refuse_client("client.grant", "no grant type, or one that is not known here");
    }
    const bool is_public = client.authentication == ClientAuthentication::none;
    if (is_public && (uses(grant_credentials) || uses(grant_exchange)))
        return refuse_client("client.grant", "a public client cannot ask in its own name");
    if (uses(grant_refresh) && !uses(grant_code) && !uses(grant_device) && !uses(grant_password))
        return refuse_client("client.grant", "refresh_token needs a grant that a user is part of");
    if (uses(grant_code) == client.redirect_uris.empty()) {
        return refuse_client("client.redirect_uri",
                             "authorization_code needs redirect URIs, other grants have none");
    }
    return {};
}

}  // namespace

std::string_view name_of(ClientAuthentication way) { return ways[static_cast<std::size_t>(way)]; }

std::optional<ClientAuthentication> client_authentication_of(std::string_view name) {
    const auto* found = std::ranges::find(ways, name);
    if (found == ways.end()) return {};
    return static_cast<ClientAuthentication>(found - ways.begin());
}

bool Client::may_use(std::string_view grant) const { return has_name(grants, grant); }

Result<NewClient> checked(NewClient client) {
    for (auto* list : {&client.redirect_uris, &client.grants, &client.scopes, &client.resources,
                       &client.serves}) {
        settle(*list);
    }
    if (!good_name(client.name))
        return refuse_client("client.name", "1 to 128 bytes without control characters");
    if (auto good = check_grants(client); !good) return std::unexpected(std::move(good).error());
    if (client.redirect_uris.size() > redirect_uris_max ||
        !std::ranges::all_of(client.redirect_uris, valid_redirect_uri)) {
        return refuse_client("client.redirect_uri",
                             "https://..., http://127.0.0.1/... or com.example.app:/..., without "
                             "fragment");
    }
    if (client.scopes.empty() || client.scopes.size() > client_scopes_max ||
        !std::ranges::all_of(client.scopes, valid_scope)) {
        return refuse_client("client.scope", "1 to 64 scopes (RFC 6749 §3.3)");
    }
    for (const auto* list : {&client.resources, &client.serves}) {
        if (list->size() > client_resources_max || !std::ranges::all_of(*list, valid_resource))
            return refuse_client("client.resource", "absolute URIs without a fragment");
    }
    const bool by_certificate = client.authentication == ClientAuthentication::certificate;
    if (by_certificate == client.certificate_name.empty() ||
        client.certificate_name.size() > certificate_name_bytes_max ||
        codec::has_control_character(client.certificate_name)) {
        return refuse_client("client.certificate",
                             "tls_client_auth, and nothing else, goes with a certificate's name");
    }
    if (by_certificate) client.certificate_bound = true;
    return client;
}

}  // namespace gh::identity::oauth
