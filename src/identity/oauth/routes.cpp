#include <utility>

#include "identity/oauth/authorize_endpoint.hpp"
#include "identity/oauth/device_endpoint.hpp"
#include "identity/oauth/metadata.hpp"
#include "identity/oauth/refusal.hpp"
#include "identity/oauth/registration.hpp"
#include "identity/oauth/server.hpp"
#include "identity/oauth/token_endpoint.hpp"
#include "identity/oauth/token_status.hpp"

namespace gh::identity::oauth {
namespace {

using access::Access;

constexpr std::size_t form_bytes_max = 32 * 1024;
constexpr std::string_view form_type = "application/x-www-form-urlencoded";

using FormAnswer = Task<Result<api::Reply>> (*)(Server&, api::Call, std::string_view);

/// An endpoint for programs: its refusals are those of the protocol.
api::Handle protocol(Server& server, FormAnswer answer) {
    return api::with(
        server,
        [answer](Server& room, api::Call call, std::string_view body) {
            return in_protocol(answer(room, call, body));
        },
        api::raw_body({std::string(form_type)}));
}

api::Answer json_answer(std::string doc) {
    return {200, std::move(doc), "application/json", nullptr};
}

api::Route form_route(Server& server, std::string path, FormAnswer answer, std::string summary) {
    return {.method = "POST",
            .path = std::move(path),
            .access = Access::anyone(),
            .handle = protocol(server, answer),
            .summary = std::move(summary),
            .answers = {json_answer("Done.")},
            .body_bytes_max = form_bytes_max};
}

api::Route document_route(Server& server, std::string path,
                          Task<Result<api::Reply>> (*answer)(Server&, api::Call),
                          std::string summary) {
    return {.method = "GET",
            .path = std::move(path),
            .access = Access::anyone(),
            .handle = api::with(server, answer),
            .summary = std::move(summary),
            .answers = {json_answer("The document.")}};
}

void add_pages(std::vector<api::Route>& table, Server& server) {
    const std::vector<api::Answer> page{{200, "A page.", "text/html", nullptr},
                                        {303, "Back to the client.", "", nullptr}};
    table.push_back({.method = "GET",
                     .path = "/oauth/authorize",
                     .access = Access::anyone(),
                     .handle = api::with(server, show_authorize),
                     .summary = "Asks a user for a code (RFC 6749 §4.1.1), with PKCE.",
                     .answers = page});
    table.push_back(
        {.method = "POST",
         .path = "/oauth/authorize",
         .access = Access::anyone(),
         .handle = api::with(server, submit_authorize, api::raw_body({std::string(form_type)})),
         .summary = "The same as a form, and the forms of its pages.",
         .answers = page,
         .body_bytes_max = form_bytes_max});
}

void add_device_pages(std::vector<api::Route>& table, Server& server) {
    const std::vector<api::Answer> page{{200, "A page.", "text/html", nullptr}};
    table.push_back({.method = "GET",
                     .path = "/oauth/device",
                     .access = Access::anyone(),
                     .handle = api::with(server, show_device),
                     .summary = "Where users type the code that a device shows.",
                     .answers = page});
    table.push_back(
        {.method = "POST",
         .path = "/oauth/device/approve",
         .access = Access::anyone(),
         .handle = api::with(server, submit_device, api::raw_body({std::string(form_type)})),
         .summary = "The forms of that page.",
         .answers = page,
         .body_bytes_max = form_bytes_max});
}

api::Route registration_route(Server& server) {
    const auto answer = [](Server& room, api::Call call, std::string_view body) {
        return in_protocol(answer_register(room, call, body));
    };
    return {.method = "POST",
            .path = "/oauth/register",
            .access = Access::anyone(),
            .handle = api::with(server, answer, api::raw_body({"application/json"})),
            .summary = "Registers a client (RFC 7591), with an initial access token.",
            .answers = {{201, "The client.", "application/json", nullptr}},
            .body_bytes_max = form_bytes_max};
}

void add_userinfo(std::vector<api::Route>& table, Server& server) {
    for (const auto* method : {"GET", "POST"}) {
        table.push_back({.method = method,
                         .path = "/oauth/userinfo",
                         .access = Access::authenticated(),
                         .handle = api::with(server, answer_userinfo),
                         .summary = "Who has signed in (OpenID Connect Core §5.3).",
                         .answers = {json_answer("Claims of the user.")}});
    }
}

}  // namespace

std::vector<api::Route> routes(Server& server) {
    std::vector<api::Route> table{
        form_route(server, "/oauth/token", answer_token, "Gives tokens (RFC 6749 §3.2)."),
        form_route(server, "/oauth/revoke", answer_revoke, "Takes a token back (RFC 7009)."),
        form_route(server, "/oauth/introspect", answer_introspect,
                   "Says what a token is (RFC 7662)."),
        form_route(server, "/oauth/device", answer_device,
                   "Gives a device a code for its user (RFC 8628)."),
        registration_route(server),
        document_route(server, "/.well-known/oauth-authorization-server", show_server_metadata,
                       "What the authorization server can do (RFC 8414)."),
        document_route(server, "/.well-known/openid-configuration", show_server_metadata,
                       "The same for OpenID Connect."),
        document_route(server, "/.well-known/oauth-protected-resource", show_resource_metadata,
                       "Who makes tokens for this API (RFC 9728)."),
        document_route(server, "/.well-known/jwks.json", show_keys,
                       "The keys that our tokens are signed with (RFC 7517)."),
    };
    add_pages(table, server);
    add_device_pages(table, server);
    add_userinfo(table, server);
    return table;
}

}  // namespace gh::identity::oauth
