#include "identity/oauth/device_endpoint.hpp"

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "identity/oauth/client_authentication.hpp"
#include "identity/oauth/device_repository.hpp"
#include "identity/oauth/refusal.hpp"

namespace gh::identity::oauth {
namespace {

api::Reply describe_device(const Server& server, const NewDevice& device) {
    const auto page = server.url_of("/oauth/device");
    const auto code = shown_user_code(device.user_code);
    api::Reply reply;
    codec::json::Writer out(reply.body);
    out.begin_object().name("device_code").string(device.secret.text);
    out.name("user_code").string(code);
    out.name("verification_uri").string(page);
    out.name("verification_uri_complete").string(page + "?user_code=" + code);
    out.name("expires_in").integer(device_lifetime.count());
    out.name("interval").integer(device_interval.count()).end_object();
    reply.fields.emplace_back("Pragma", "no-cache");
    return reply;
}

}  // namespace

Task<Result<api::Reply>> answer_device(Server& server, api::Call call, std::string_view body) {
    GH_CO_TRY(const auto parameters, Parameters::read(body));
    GH_CO_TRY(const auto client, co_await authenticate_client(server, call, parameters));
    if (!client.may_use(grant_device)) co_return refuse("oauth.grant_not_allowed");
    GH_CO_TRY(auto scopes, read_scopes(parameters["scope"]));
    GH_CO_TRY(auto resources, read_resources(parameters.all("resource")));
    NewDevice device;
    GH_CO_TRY(device.portion,
              allowed_portion(client, std::move(scopes), std::move(resources), server.issuer()));
    device.secret = make_secret(SecretKind::device, *server.parts().hasher);
    device.user_code = new_user_code();
    device.client_id = client.id;
    auto work = [device, now = server.now()](storage::Session& session) {
        return add_device(session, device, now);
    };
    GH_CO_TRY(const bool added, co_await server.parts().database.write(std::move(work)));
    if (!added) co_return refuse("oauth.device_crowd");
    co_return describe_device(server, device);
}

}  // namespace gh::identity::oauth
