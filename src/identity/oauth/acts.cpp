#include "identity/oauth/acts.hpp"

#include "base/id.hpp"

namespace gh::identity::oauth {
namespace {

audit::Record act(const api::Call& call, std::string action, SystemTime now) {
    audit::Record record;
    record.id = view(uuid_v7(now));
    record.time = now;
    record.action = std::move(action);
    record.request_id = call.request_id;
    record.correlation_id = call.correlation_id;
    if (const auto address = codec::IpAddress::parse(call.client_ip)) record.client = *address;
    return record;
}

}  // namespace

audit::Record act_of_client(const api::Call& call, const Client& client, std::string action,
                            SystemTime now) {
    auto record = act(call, std::move(action), now);
    record.actor_type = access::PrincipalType::service;
    record.actor = client.id;
    record.object_type = "oauth_client";
    record.object_id = client.id;
    return record;
}

audit::Record act_of_user(const api::Call& call, std::string user, std::string action,
                          SystemTime now) {
    auto record = act(call, std::move(action), now);
    record.actor_type = access::PrincipalType::user;
    record.actor = std::move(user);
    return record;
}

}  // namespace gh::identity::oauth
