#include "plan/revoke.hpp"

#include <utility>

#include "base/try.hpp"
#include "plan/clock.hpp"
#include "plan/work_repository.hpp"

namespace gh::plan {
namespace {

constexpr storage::Statement count_leases{
    .name = "plan_steps.count_of_agent",
    .sql = "SELECT count(*) FROM plan_steps WHERE state = 'running' AND agent_id = $1"};

}  // namespace

Task<Result<std::vector<access::Holding>>> RevocableSteps::look(storage::Session& session,
                                                                access::Whom whom,
                                                                SystemTime /*now*/) {
    std::vector<access::Holding> found;
    if (whom.target.type != access::PrincipalType::agent) co_return found;
    GH_CO_TRY(const auto rows, co_await session.query(count_leases, std::move(whom.target.name)));
    found.push_back({.kind = "leases", .count = rows[0].integer(0)});
    co_return found;
}

Task<Result<void>> RevocableSteps::end(storage::Session& session, access::Whom whom,
                                       SystemTime /*now*/) {
    if (whom.target.type != access::PrincipalType::agent) co_return Result<void>{};
    GH_CO_TRY(const auto at, co_await time_of(session));
    GH_CO_TRY_VOID(co_await WorkRepository::end_of_agent(session, std::move(whom.target.name), at));
    co_return Result<void>{};
}

}  // namespace gh::plan
