#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/types.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "plan/graph.hpp"
#include "plan/plan.hpp"

namespace gh::plan {

/// A plan as somebody says it.
struct SaidPlan {
    std::optional<std::string> id;
    std::string name;
    std::string metadata = "{}";
    std::vector<NewStep> steps;
};
[[nodiscard]] const api::Type<SaidPlan>& said_plan_type();

/// Why steps are no plan: a stable token, and a sentence that names them.
struct StepsFault {
    std::string_view code;
    std::string detail;
};
/// Their graph, and conditions on steps they do not depend on.
/// @param parent  of which they come: on that one, too, they depend; empty: of none
[[nodiscard]] std::optional<StepsFault> check_steps(const std::vector<NewStep>& steps,
                                                    const GraphLimits& limits,
                                                    std::string_view parent = {});

/// Puts what is kept as it came in the place of what was read of it: a JSON text or an element of one, and in it the
/// steps' own, by their order.
void keep_spelling(std::string_view object, std::string& metadata);
void keep_spelling(std::string_view array, std::vector<NewStep>& steps);

/// @param body         what it was said in: its metadata are kept as they are spelt there
/// @param traceparent  of the request; where nothing records and it is none, a trace begins here
[[nodiscard]] NewPlan new_plan(SaidPlan said, std::string_view body, std::string created_by,
                               std::string_view traceparent, SystemTime now);

/// A JSON document, as the shell reads it from a file.
/// @return `invalid_argument` "plan.file"; the detail names what is wrong
[[nodiscard]] Result<NewPlan> read_plan_text(std::string_view text, const GraphLimits& limits,
                                             std::string created_by, SystemTime now);

}  // namespace gh::plan
