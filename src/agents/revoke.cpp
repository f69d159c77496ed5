#include "agents/revoke.hpp"

#include <utility>

#include "agents/agent_rows.hpp"
#include "agents/room.hpp"
#include "base/try.hpp"

namespace gh::agents {
namespace {

using access::PrincipalType;
using access::Target;
using storage::Session;
using storage::Statement;

constexpr Statement count_tokens{
    .name = "agent_tokens.count_good",
    .sql =
        "SELECT count(*) FROM agent_tokens WHERE agent_id = $1 AND used_at IS NULL "
        "AND revoked_at IS NULL AND expires_at > $2"};
constexpr Statement quarantine{
    .name = "agents.quarantine",
    .sql =
        "UPDATE agents SET status = 'quarantined', version = version + 1, updated_at = $2 "
        "WHERE id = $1 AND status NOT IN ('quarantined', 'retired')"};

/// Nothing: there is no such agent.
Task<Result<std::optional<Agent>>> agent_of(Session& session, Target target) {
    std::optional<Agent> found;
    if (target.type != PrincipalType::agent) co_return found;
    auto agent = co_await read_agent(session, std::move(target.name));
    if (agent) found = *std::move(agent);
    if (!agent && agent.error().kind != ErrorKind::not_found)
        co_return std::unexpected(std::move(agent).error());
    co_return found;
}

}  // namespace

Task<Result<std::optional<Target>>> RevocableAgents::find(Session& session, Target target) {
    GH_CO_TRY(const auto agent, co_await agent_of(session, std::move(target)));
    std::optional<Target> found;
    if (agent) found = Target{.type = PrincipalType::agent, .name = agent->id};
    co_return found;
}

Task<Result<std::vector<access::Holding>>> RevocableAgents::look(Session& session,
                                                                 access::Whom whom,
                                                                 SystemTime now) {
    std::vector<access::Holding> held;
    GH_CO_TRY(const auto agent, co_await agent_of(session, std::move(whom.target)));
    if (!agent) co_return held;
    GH_CO_TRY(const auto tokens, co_await session.query(count_tokens, agent->id, now));
    held.push_back({.kind = "admission", .count = is_shut_out(agent->status) ? 0 : 1});
    held.push_back({.kind = "refresh_tokens", .count = tokens[0].integer(0)});
    co_return held;
}

Task<Result<void>> RevocableAgents::end(Session& session, access::Whom whom, SystemTime now) {
    GH_CO_TRY(const auto agent, co_await agent_of(session, std::move(whom.target)));
    if (!agent) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await session.execute(quarantine, agent->id, now));
    GH_CO_TRY_VOID(co_await end_tokens(session, credentials_, agent->id, now));
    GH_CO_TRY_VOID(co_await credentials_.end_agent(session, agent->id, now));
    co_return co_await credentials_.end_enrolment(session, agent->enrolment, now);
}

void RevocableAgents::ended(const Target& target, SystemTime now) {
    if (target.type != PrincipalType::agent) return;
    if (heartbeats_) heartbeats_->forget(target.name);
    credentials_.agent_ended(target.name, now);
}

}  // namespace gh::agents
