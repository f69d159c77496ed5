#include "identity/oauth/acts.hpp"

#include "audit/act.hpp"

namespace gh::identity::oauth {

audit::Record act_of_client(const api::Call& call, const Client& client, std::string action) {
    auto record = audit::act_of(call, std::move(action), "oauth_client", client.id);
    record.actor_type = access::PrincipalType::service;
    record.actor = client.id;
    return record;
}

audit::Record act_of_user(const api::Call& call, std::string user, const Client& client,
                          std::string action) {
    auto record = audit::act_of(call, std::move(action), "oauth_client", client.id);
    record.actor_type = access::PrincipalType::user;
    record.actor = std::move(user);
    record.details.push_back({"client_name", client.name});
    return record;
}

}  // namespace gh::identity::oauth
