#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/plan.hpp"
#include "plan/progress.hpp"
#include "storage/database.hpp"

namespace gh::plan {

/// Which plans.
struct PlanPage {
    bool oldest_first = false;
    std::size_t limit = 50;
    std::size_t offset = 0;
    std::optional<std::pair<SystemTime, std::string>> after;  ///< made then, and its id
    std::optional<PlanState> state;
};

struct Statistics {
    std::array<std::int64_t, plan_states.size()> plans{};
    std::array<std::int64_t, step_states.size()> steps{};
};

/// A plan that was made, or that is there already by the same body.
struct Created {
    Plan plan;
    bool is_new = true;
    Stir stir;
};

/// What a person has done, and to what it led.
struct Acted {
    Plan plan;
    Stir stir;
};

/// Plans as people make, see and steer them. Errors besides storage's: `not_found` "plan.unknown", "plan.step_unknown";
/// `conflict` "plan.exists" (the id is taken, by another body), "plan.illegal_move" (there is no way from the state it is in:
/// nothing has changed).
class PlanRepository {
 public:
    explicit PlanRepository(storage::Database& database) : database_(database) {}

    /// @param plan  whose graph and conditions were checked
    [[nodiscard]] Task<Result<Created>> add(NewPlan plan, SystemTime now,
                                            storage::Also<Created> also = {});
    [[nodiscard]] Task<Result<Plan>> find(std::string id);
    [[nodiscard]] Task<Result<std::vector<Plan>>> list(PlanPage page);
    [[nodiscard]] Task<Result<Step>> find_step(std::string plan_id, std::string step_id);
    /// In their order, from behind `after`.
    [[nodiscard]] Task<Result<std::vector<Step>>> steps(std::string plan_id, std::int64_t after,
                                                        std::size_t limit);
    [[nodiscard]] Task<Result<std::vector<std::string>>> dependencies(std::string plan_id,
                                                                      std::string step_id);
    [[nodiscard]] Task<Result<std::vector<Attempt>>> attempts(std::string plan_id,
                                                              std::string step_id);
    /// Behind the one of sequence `after`, in their order.
    [[nodiscard]] Task<Result<std::vector<Event>>> events(std::string plan_id, std::int64_t after,
                                                          std::size_t limit);
    [[nodiscard]] Task<Result<Statistics>> count();
    /// Steps that have not ended, by state: however many have, it costs the same.
    [[nodiscard]] Task<Result<std::array<std::int64_t, step_states.size()>>> count_open();
    static constexpr std::size_t removed_at_once = 500;
    /// Removes a piece of the plan that ended first, before then: events and steps at most `removed_at_once`, itself at last.
    /// @return how many rows; 0: there is none
    [[nodiscard]] Task<Result<std::uint64_t>> remove_some(SystemTime ended_before);

    [[nodiscard]] Task<Result<Acted>> cancel(std::string id, std::string who, SystemTime now,
                                             storage::Also<Acted> also = {});
    [[nodiscard]] Task<Result<Acted>> pause(std::string id, std::string who, SystemTime now,
                                            storage::Also<Acted> also = {});
    [[nodiscard]] Task<Result<Acted>> resume(std::string id, std::string who, SystemTime now,
                                             storage::Also<Acted> also = {});
    [[nodiscard]] Task<Result<Acted>> cancel_step(std::string plan_id, std::string step_id,
                                                  std::string who, SystemTime now,
                                                  storage::Also<Acted> also = {});
    /// @param approved  false: the step fails. @param why  may be empty
    [[nodiscard]] Task<Result<Acted>> decide(std::string plan_id, std::string step_id,
                                             bool approved, std::string who, std::string why,
                                             SystemTime now, storage::Also<Acted> also = {});

 private:
    storage::Database& database_;
};

/// The rows of steps, behind `position`; their dependencies in `open`. Within a transaction.
struct StepRows {
    std::string plan_id;
    std::vector<NewStep> steps;
    std::int64_t position = 0;
    std::string parent;
};
[[nodiscard]] Task<Result<void>> put_steps(storage::Session& session, StepRows rows,
                                           SystemTime now);

}  // namespace gh::plan
