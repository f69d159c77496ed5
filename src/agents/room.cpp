#include "agents/room.hpp"

#include <utility>

#include "audit/record.hpp"
#include "base/try.hpp"

namespace gh::agents {

Task<Result<void>> end_tokens(storage::Session& session, Credentials& credentials,
                              std::string agent_id, SystemTime now) {
    // With room for clocks of nodes that differ.
    const auto since = now - 2 * access_token_ttl_max;
    GH_CO_TRY(const auto families,
              co_await TokenRepository::revoke_all(session, std::move(agent_id), now, since));
    for (const auto& family : families)
        GH_CO_TRY_VOID(co_await credentials.end_family(session, family, now));
    co_return Result<void>{};
}

namespace {

Task<Result<void>> end_of(storage::Session& session, Credentials& credentials, Agent agent,
                          SystemTime now) {
    GH_CO_TRY_VOID(co_await end_tokens(session, credentials, agent.id, now));
    GH_CO_TRY_VOID(co_await credentials.end_agent(session, agent.id, now));
    co_return co_await credentials.end_enrolment(session, agent.enrolment, now);
}

Task<Result<void>> end_and(storage::Session& session, Credentials& credentials, Agent agent,
                           SystemTime now, storage::Also<Agent> also) {
    if (is_shut_out(agent.status))
        GH_CO_TRY_VOID(co_await end_of(session, credentials, agent, now));
    if (also.after) GH_CO_TRY_VOID(co_await also.after(session, agent));
    co_return Result<void>{};
}

Task<Result<void>> await_and(storage::Session& session, Credentials& credentials,
                             Credentials::Awaited awaited, std::string enrolment_before,
                             Agent agent, storage::Also<Agent> also) {
    if (!enrolment_before.empty())
        GH_CO_TRY_VOID(co_await credentials.end_enrolment(session, enrolment_before, awaited.now));
    GH_CO_TRY_VOID(co_await credentials.await(session, std::move(awaited)));
    co_return co_await also.after(session, agent);
}

}  // namespace

storage::Also<Agent> with_ends(Credentials& credentials, SystemTime now,
                               storage::Also<Agent> also) {
    auto before = also.before;
    return {.before = std::move(before),
            .after = [&credentials, now, also = std::move(also)](storage::Session& session,
                                                                 const Agent& agent) {
                return end_and(session, credentials, agent, now, also);
            }};
}

storage::Also<Agent> with_enrolment(Credentials& credentials, Credentials::Awaited awaited,
                                    std::string enrolment_before, storage::Also<Agent> also) {
    auto before = also.before;
    auto work = [&credentials, awaited = std::move(awaited),
                 enrolment_before = std::move(enrolment_before),
                 also = std::move(also)](storage::Session& session, const Agent& agent) {
        return await_and(session, credentials, awaited, enrolment_before, agent, also);
    };
    return {.before = std::move(before), .after = std::move(work)};
}

void tell_agent(audit::Record& record, const Agent& agent) {
    record.object_id = agent.id;
    record.details.push_back({"hostname", agent.hostname});
    record.details.push_back({"status", std::string(name_of(agent.status))});
    if (!agent.ip_address.empty()) record.details.push_back({"ip_address", agent.ip_address});
    if (is_shut_out(agent.status)) record.severity = audit::Severity::medium;
}

}  // namespace gh::agents
