#include "audit/act.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/id.hpp"
#include "codec/ip.hpp"

namespace gh::audit {
namespace {

Record begin_record(std::string action, std::string object_type, std::string object_id) {
    Record record;
    record.time = std::chrono::system_clock::now();
    record.id = view(uuid_v7(record.time));
    record.action = std::move(action);
    record.object_type = std::move(object_type);
    record.object_id = std::move(object_id);
    return record;
}

std::string user_of_the_system() {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> space{};
    if (::getpwuid_r(::getuid(), &entry, space.data(), space.size(), &found) == 0 && found)
        return entry.pw_name;
    return std::to_string(::getuid());
}

}  // namespace

Record act_of(const api::Call& call, std::string action, std::string object_type,
              std::string object_id) {
    auto record = begin_record(std::move(action), std::move(object_type), std::move(object_id));
    record.actor_type = call.principal.type;
    record.actor = call.principal.subject;
    record.act = call.principal.actors;
    // Somebody else's users may bear the names of ours.
    const bool ours = call.principal.revoked_by != access::RevokedBy::nothing;
    if (!ours && !call.principal.issuer.empty())
        record.details.push_back({"issuer", call.principal.issuer});
    record.request_id = call.request_id;
    record.correlation_id = call.correlation_id;
    if (auto client = codec::IpAddress::parse(call.client_ip)) record.client = *client;
    return record;
}

Record act_of_shell(std::string action, std::string object_type, std::string object_id) {
    auto record = begin_record(std::move(action), std::move(object_type), std::move(object_id));
    record.actor_type = access::PrincipalType::user;
    record.actor = "shell:" + user_of_the_system();
    return record;
}

Record act_of_house(std::string action, std::string object_type, std::string object_id) {
    auto record = begin_record(std::move(action), std::move(object_type), std::move(object_id));
    record.actor_type = access::PrincipalType::service;
    record.actor = "gatehouse";
    return record;
}

}  // namespace gh::audit
