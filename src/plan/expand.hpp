#pragma once

#include <string>
#include <vector>

#include "plan/progress.hpp"

namespace gh::plan {

/// One of the steps that a step becomes, as it lies in the plan: it is named behind that one, depends on it, and its condition
/// asks about steps as they are named there. ':' stands in no id that a client chooses, so that it is no step that was planned.
/// With `join: any` the parent, which is completed, is no dependency beside others.
/// @param child  whose dependencies are others of them; its condition asks about those and about the parent
[[nodiscard]] NewStep child_of(const std::string& parent, NewStep child);

/// Puts the steps that a running step becomes: what waits for that one waits for them as well.
/// @param children  as child_of() takes them
/// @return `conflict` "plan.too_many_dependencies" of the plan, with nothing put
[[nodiscard]] Task<Result<void>> expand(storage::Session& session, Progress& progress,
                                        const Step& step, std::vector<NewStep> children);

}  // namespace gh::plan
