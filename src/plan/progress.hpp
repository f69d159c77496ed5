#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "plan/plan.hpp"
#include "storage/session.hpp"

namespace gh::plan {

/// What a write has set going, for who waits outside of its transaction.
struct Stir {
    std::size_t ready = 0;            ///< steps that an agent may have now
    std::string plan_id;              ///< whose events there are; empty: none
    std::vector<std::string> leases;  ///< that are over
    Tally ended;                      ///< steps
    std::optional<PlanState> plan_ended;
};

/// One plan within the transaction that moves it on: each move of a step moves what depends on it, and all of it is told.
/// Nothing looks at more of the plan than what depends on the steps that moved. Call close() at the end.
class Progress {
 public:
    /// Locks the plan.
    /// @return `not_found` "plan.unknown"
    [[nodiscard]] static Task<Result<Progress>> open(storage::Session& session, std::string plan_id,
                                                     SystemTime now);
    /// Of a plan that this transaction has made.
    Progress(storage::Session& session, Plan plan, SystemTime now)
        : session_(&session), plan_(std::move(plan)), now_(now) {}

    [[nodiscard]] const Plan& plan() const { return plan_; }
    [[nodiscard]] SystemTime now() const { return now_; }
    [[nodiscard]] Stir stir() const {
        return {.ready = ready_,
                .plan_id = plan_.id,
                .leases = leases_,
                .ended = ended_now_,
                .plan_ended = plan_ended_};
    }

    /// @return `conflict` "plan.illegal_move"
    [[nodiscard]] Result<void> move(PlanState to, std::string_view agent_or_person = {});
    /// A step begins: what it depends on has come to be enough.
    [[nodiscard]] Task<Result<void>> begin(Step step);
    /// An agent has it: lease, agent, attempts and times are in `step`.
    [[nodiscard]] Task<Result<void>> run(Step step);
    /// Back to where agents find it. @param why  for the event
    [[nodiscard]] Task<Result<void>> release(Step step, SystemTime available_at,
                                             std::string_view why);
    /// Its end, with what it ends with in `step`: what depends on it begins or is skipped.
    [[nodiscard]] Task<Result<void>> end(Step step, StepState to);
    /// Everything that has not ended is cancelled, and the plan.
    [[nodiscard]] Task<Result<void>> cancel_all(std::string who);
    /// Steps that this transaction has put into their table.
    void add_steps(std::size_t count) { plan_.tally.steps += static_cast<std::int64_t>(count); }
    /// Of another attempt than the one that moves its step.
    void end_lease(std::string lease) { leases_.push_back(std::move(lease)); }
    void tell(Event event) { events_.push_back(std::move(event)); }

    /// Writes the plan and its events; the plan ends where nothing is left of it to do.
    [[nodiscard]] Task<Result<void>> close();

 private:
    struct Ended {
        std::string id;
        bool completed;
    };

    [[nodiscard]] Result<void> check(const Step& step, StepState to) const;
    void tell_step(const Step& step, StepState to, std::string_view detail);
    void count(StepState end);
    [[nodiscard]] Task<Result<void>> write_end(const Step& step, StepState to);
    [[nodiscard]] Task<Result<void>> follow();
    [[nodiscard]] Task<Result<void>> follow_one(Ended ended);
    [[nodiscard]] Task<Result<void>> start(Step step);
    [[nodiscard]] Task<Result<void>> skip(Step step, std::string_view why);
    [[nodiscard]] Task<Result<void>> set_state(const Step& step, StepState to);
    [[nodiscard]] Task<Result<bool>> condition_holds(const Step& step);

    storage::Session* session_;
    Plan plan_;
    SystemTime now_;
    std::vector<Event> events_;
    std::vector<Ended> ended_;  // whose dependants were not looked at
    std::size_t ready_ = 0;
    Tally ended_now_;
    std::optional<PlanState> plan_ended_;
    std::vector<std::string> leases_;  // that are over
};

/// Does a step whose dependencies ended in this way begin, end, or wait?
enum class Turn : std::uint8_t { wait, begin, skip };
/// @param open  dependencies that have not ended
/// @param done  that were completed
/// @param ended_badly  one of them has ended otherwise
[[nodiscard]] constexpr Turn turn_of(Join join, std::int64_t open, std::int64_t done,
                                     bool ended_badly) {
    if (join == Join::any) return done > 0 ? Turn::begin : open == 0 ? Turn::skip : Turn::wait;
    if (ended_badly) return Turn::skip;
    return open == 0 ? Turn::begin : Turn::wait;
}

}  // namespace gh::plan
