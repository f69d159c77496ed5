#include <utility>

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "pki/acme/endpoints.hpp"
#include "pki/acme/problem.hpp"

namespace gh::pki::acme {
namespace {

using access::Access;

constexpr std::string_view media_type = "application/jose+json";

/// Fields of every answer to a POST (RFC 8555 §6.5, §7.1).
api::Reply dressed(Server& server, api::Reply reply) {
    reply.fields.emplace_back("Replay-Nonce", server.nonces().next());
    reply.fields.emplace_back("Link", "<" + server.url("directory") + ">;rel=\"index\"");
    reply.fields.emplace_back("Cache-Control", "no-store");
    return reply;
}

api::Reply refused(Server& server, const Error& error) {
    const auto* row = problem_of(error.reason);
    server.metrics.refused.with({row ? row->type : std::string_view("serverInternal")}).add();
    return problem_reply(error);
}

Answer in_protocol(Server& server, Answer answer) {
    auto reply = co_await std::move(answer);
    co_return dressed(server, reply ? *std::move(reply) : refused(server, reply.error()));
}

using Endpoint = Answer (*)(Server&, api::Call, std::string_view);

api::Route posted(Server& server, std::string path, Endpoint endpoint, std::string summary) {
    return {.method = "POST",
            .path = "/acme/" + std::move(path),
            .access = Access::anyone(),  // the body is signed
            .handle = api::with(
                server,
                [endpoint](Server& to, const api::Call& call, std::string_view body) {
                    return in_protocol(to, endpoint(to, call, body));
                },
                api::raw_body({std::string(media_type)})),
            .summary = std::move(summary),
            .answers = {{200, "As RFC 8555 has it.", "application/json", nullptr}},
            .body_bytes_max = request_bytes_max};
}

Answer directory(Server& server, api::Call) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_object();
    out.name("newNonce").string(server.url("new-nonce"));
    out.name("newAccount").string(server.url("new-account"));
    out.name("newOrder").string(server.url("new-order"));
    out.name("revokeCert").string(server.url("revoke-cert"));
    out.name("keyChange").string(server.url("key-change"));
    out.name("renewalInfo").string(server.url("renewal-info"));
    out.name("meta").begin_object().name("externalAccountRequired");
    out.boolean(server.parts().config.external_account_required).end_object().end_object();
    co_return json_reply(200, std::move(text));
}

/// RFC 8555 §7.2
Answer new_nonce(Server& server, api::Call call) {
    auto reply = api::no_content();
    if (call.head.method_text == "HEAD") reply.status = 200;
    co_return dressed(server, std::move(reply));
}

/// §6.3 wants both to be had in this way, too.
Answer directory_by_post(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY_VOID(co_await server.accept_get(call, body));
    co_return co_await directory(server, call);
}

Answer nonce_by_post(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY_VOID(co_await server.accept_get(call, body));
    co_return api::no_content();
}

Answer show_renewal_info(Server& server, api::Call call) {
    auto reply = co_await renewal_info(server, call);
    if (!reply) co_return refused(server, reply.error());
    co_return reply;
}

api::Route shown(Server& server, std::string path, Answer (*endpoint)(Server&, api::Call),
                 std::string summary, api::Answer answer) {
    return {.method = "GET",
            .path = "/acme/" + std::move(path),
            .access = Access::anyone(),
            .handle = api::with(server, endpoint),
            .summary = std::move(summary),
            .answers = {std::move(answer)}};
}

}  // namespace

std::vector<api::Route> routes(Server& server) {
    const api::Answer json{200, "As the standard has it.", "application/json", nullptr};
    const api::Answer nothing{204, "A nonce in Replay-Nonce.", "", nullptr};
    return {
        shown(server, "directory", directory, "Where everything is (RFC 8555).", json),
        shown(server, "new-nonce", new_nonce, "A nonce.", nothing),
        shown(server, "renewal-info/{certificate}", show_renewal_info,
              "When to renew a certificate (RFC 9773).", json),
        posted(server, "directory", directory_by_post, "The same, for an account."),
        posted(server, "new-nonce", nonce_by_post, "The same, for an account."),
        posted(server, "new-account", new_account, "Make an account, or find it."),
        posted(server, "account/{account}", account, "Show, change or deactivate an account."),
        posted(server, "account/{account}/orders", account_orders, "The orders of an account."),
        posted(server, "key-change", key_change, "Give an account another key."),
        posted(server, "new-order", new_order, "Order a certificate."),
        posted(server, "order/{order}", order, "How an order stands."),
        posted(server, "order/{order}/finalize", finalize, "Have the certificate signed."),
        posted(server, "authz/{authorization}", authorization,
               "Show or deactivate an authorization."),
        posted(server, "challenge/{authorization}/{type}", challenge,
               "Have a challenge checked, or show it."),
        posted(server, "cert/{serial}", certificate, "A certificate and its chain."),
        posted(server, "revoke-cert", revoke_certificate, "End a certificate."),
    };
}

}  // namespace gh::pki::acme
