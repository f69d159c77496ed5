#pragma once

// What the tables of this room's routes have in common.

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "api/types.hpp"
#include "base/error.hpp"
#include "plan/graph.hpp"
#include "plan/plan.hpp"

namespace gh::plan {

/// JSON, kept as it is read. @param object  and nothing else
[[nodiscard]] api::Type<std::string> json_text(std::size_t bytes_max, bool object);
[[nodiscard]] const api::Type<std::string>& id_type();
/// Of a step that there is: one that came of another has that one's id before ':'.
[[nodiscard]] const api::Type<std::string>& step_id_type();
[[nodiscard]] const api::Type<PlanState>& plan_state_type();
[[nodiscard]] const api::Type<StepState>& step_state_type();
[[nodiscard]] const api::Type<NewStep>& new_step_type();
[[nodiscard]] inline api::Type<std::int64_t> count_type() {
    return api::integer_64(0, std::numeric_limits<std::int64_t>::max());
}
[[nodiscard]] inline api::Type<std::optional<std::int64_t>> maybe_count() {
    return api::maybe(count_type());
}

/// "user:ada": whoever asks, as rows remember it.
[[nodiscard]] std::string who(const api::Call& call);
/// An agent, with an access token of ours?
[[nodiscard]] bool is_agent(const api::Call& call);

/// What is wrong with steps that are to be a plan: their graph, and conditions on steps they do not depend on.
/// @param parent  of which they come; empty: of none
/// @return nothing, or a refusal: 422
[[nodiscard]] std::optional<api::Reply> refuse_steps(const api::Call& call,
                                                     const std::vector<NewStep>& steps,
                                                     const GraphLimits& limits,
                                                     std::string_view parent = {});
/// What the repositories refuse, as a client reads it; errors that are none of the client's come back as they are.
[[nodiscard]] Result<api::Reply> refused_by_rules(const api::Call& call, Error error);

/// A plan, as clients read it.
struct ShownPlan {
    double progress = 0;
    std::optional<std::int64_t> duration_ms;
    std::optional<std::string> trace_id;
    std::string id, name, metadata, created_by;
    PlanState state = PlanState::pending;
    std::int64_t steps = 0, completed = 0, failed = 0, cancelled = 0, skipped = 0;
    SystemTime created_at, updated_at;
    std::optional<SystemTime> started_at, ended_at;
};
[[nodiscard]] ShownPlan shown(const Plan& plan);
[[nodiscard]] const api::Type<ShownPlan>& plan_type();

}  // namespace gh::plan
