#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/room.hpp"
#include "agents/route_words.hpp"
#include "api/object.hpp"
#include "base/try.hpp"

namespace gh::agents {
namespace {

using api::Object;

constexpr std::size_t listed_max = 1'000;

/// An agent as older backends listed theirs.
struct Listed {
    std::string id, name;
    Status status = Status::pending;
    std::vector<std::string> capabilities;
    std::optional<SystemTime> last_heartbeat;
};

struct OldList {
    std::vector<Listed> items;
    std::int64_t total = 0;
};

const api::Type<OldList>& list_type() {
    static const auto listed =
        Object<Listed>("ListedAgent", "An agent, in short.")
            .required("id", &Listed::id, api::text(), "A UUID.")
            .required("name", &Listed::name, hostname_type(), "Its host name.")
            .required("status", &Listed::status, status_type(), "Where it stands.")
            .required("capabilities", &Listed::capabilities, capabilities_type(), "What it can do.")
            .optional("last_heartbeat", &Listed::last_heartbeat, api::maybe(api::time()),
                      "As the database has it.")
            .type();
    static const auto type =
        Object<OldList>("AgentList", "All agents but retired ones, up to a thousand.")
            .required("items", &OldList::items, api::list_of(listed, {.items_max = listed_max}),
                      "By name.")
            .required("total", &OldList::total, count_type(), "How many there are here.")
            .type();
    return type;
}

Task<Result<api::Reply>> list(Room& room, api::Call /*call*/) {
    GH_CO_TRY(auto found, co_await room.agents.list({.limit = listed_max}));
    OldList all;
    all.total = static_cast<std::int64_t>(found.size());
    for (auto& agent : found) {
        all.items.push_back({.id = std::move(agent.id),
                             .name = std::move(agent.hostname),
                             .status = agent.status,
                             .capabilities = std::move(agent.capabilities),
                             .last_heartbeat = agent.last_heartbeat_at});
    }
    co_return api::reply(200, list_type(), all);
}

}  // namespace

std::vector<api::Route> old_routes(Room& room) {
    if (!room.config.agent_list) return {};
    return {{.method = "GET",
             .path = "/api/agent/list",
             .access = access::Access::role("user"),
             .handle = api::with(room, list),
             .summary = "The agents, for clients of older backends.",
             .answers = {api::answers(200, "They.", list_type())}}};
}

}  // namespace gh::agents
