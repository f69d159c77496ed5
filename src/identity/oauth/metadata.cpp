#include "identity/oauth/metadata.hpp"

#include <array>
#include <initializer_list>
#include <span>

#include "access/authenticator.hpp"
#include "access/permission.hpp"
#include "codec/jose.hpp"
#include "codec/json_writer.hpp"
#include "identity/names.hpp"
#include "identity/oauth/client.hpp"

namespace gh::identity::oauth {
namespace {

using codec::json::Writer;

void list(Writer& out, std::string_view name, std::initializer_list<std::string_view> values) {
    out.name(name).begin_array();
    for (const auto value : values) out.string(value);
    out.end_array();
}

void list_scopes(Writer& out) {
    out.name("scopes_supported").begin_array();
    for (const std::string_view scope : {"openid", "profile", "email", "offline_access"})
        out.string(scope);
    for (const auto& row : access::permission_table()) out.string(row.name);
    out.end_array();
}

void list_grants(Writer& out, bool password) {
    out.name("grant_types_supported").begin_array();
    for (const auto grant :
         {grant_code, grant_refresh, grant_credentials, grant_device, grant_exchange})
        out.string(grant);
    if (password) out.string(grant_password);
    out.end_array();
}

void list_authentication(Writer& out, std::string_view endpoint, bool with_public) {
    out.name(std::string(endpoint) + "_endpoint_auth_methods_supported").begin_array();
    for (const std::string_view way :
         {"client_secret_basic", "client_secret_post", "tls_client_auth"}) {
        out.string(way);
    }
    if (with_public) out.string("none");
    out.end_array();
}

/// The field of a challenge has them, apart by spaces.
void list_dpop_algorithms(Writer& out) {
    out.name("dpop_signing_alg_values_supported").begin_array();
    for (const auto& name : split_names(access::dpop_algorithms, ' ')) out.string(name);
    out.end_array();
}

void describe_id_tokens(Writer& out, codec::JoseAlgorithm algorithm, const Server& server) {
    out.name("userinfo_endpoint").string(server.url_of("/oauth/userinfo"));
    list(out, "subject_types_supported", {"public"});
    list(out, "id_token_signing_alg_values_supported", {name_of(algorithm)});
    list(out, "claims_supported",
         {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "name",
          "preferred_username", "email", "email_verified", "updated_at"});
    list(out, "prompt_values_supported", {"none", "login", "consent", "select_account"});
    out.name("claims_parameter_supported").boolean(false);
    out.name("request_parameter_supported").boolean(false);
    out.name("request_uri_parameter_supported").boolean(false);
}

api::Reply public_document(std::string body) {
    api::Reply reply;
    reply.body = std::move(body);
    reply.fields.emplace_back("Cache-Control", "public, max-age=300");
    // Anyone may read it, programs in browsers too.
    reply.fields.emplace_back("Access-Control-Allow-Origin", "*");
    return reply;
}

}  // namespace

Task<Result<api::Reply>> show_server_metadata(Server& server, api::Call) {
    std::string body;
    Writer out(body);
    out.begin_object().name("issuer").string(server.issuer());
    out.name("authorization_endpoint").string(server.url_of("/oauth/authorize"));
    out.name("token_endpoint").string(server.url_of("/oauth/token"));
    out.name("revocation_endpoint").string(server.url_of("/oauth/revoke"));
    out.name("introspection_endpoint").string(server.url_of("/oauth/introspect"));
    out.name("registration_endpoint").string(server.url_of("/oauth/register"));
    out.name("device_authorization_endpoint").string(server.url_of("/oauth/device"));
    out.name("jwks_uri").string(server.url_of("/.well-known/jwks.json"));
    list_dpop_algorithms(out);
    list(out, "response_types_supported", {"code"});
    list(out, "response_modes_supported", {"query"});
    list_grants(out, server.parts().password_grant);
    list_scopes(out);
    list_authentication(out, "token", true);
    list_authentication(out, "revocation", true);
    list_authentication(out, "introspection", false);
    list(out, "code_challenge_methods_supported", {"S256"});
    out.name("authorization_response_iss_parameter_supported").boolean(true);
    out.name("tls_client_certificate_bound_access_tokens").boolean(true);
    if (server.has_id_tokens()) {
        describe_id_tokens(out, server.parts().issuer.keys()->current(server.now()).algorithm(),
                           server);
    }
    out.end_object();
    co_return public_document(std::move(body));
}

Task<Result<api::Reply>> show_resource_metadata(Server& server, api::Call) {
    std::string body;
    Writer out(body);
    out.begin_object().name("resource").string(server.issuer());
    list(out, "authorization_servers", {server.issuer()});
    out.name("jwks_uri").string(server.url_of("/.well-known/jwks.json"));
    list_scopes(out);
    list(out, "bearer_methods_supported", {"header"});
    list_dpop_algorithms(out);
    out.name("tls_client_certificate_bound_access_tokens").boolean(true);
    out.end_object();
    co_return public_document(std::move(body));
}

Task<Result<api::Reply>> show_keys(Server& server, api::Call) {
    co_return public_document(server.parts().issuer.keys()->jwks());
}

}  // namespace gh::identity::oauth
