#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plan/plan.hpp"
#include "plan/progress.hpp"
#include "storage/database.hpp"

namespace gh::plan {

/// How steps are handed out and tried again.
struct WorkRules {
    milliseconds lease{30'000};
    milliseconds retry_first{1'000};
    milliseconds retry_most{60'000};
    std::size_t steps_max = 20'000;  ///< of a plan, with those that steps became
};

/// Where what a step depends on has left its result.
struct Input {
    std::string step_id;
    StepState state = StepState::completed;
    std::optional<std::string> reference;
    std::optional<double> confidence, quality;
    bool has_result = false;
};

/// A step, and the lease of it.
struct Claimed {
    Step step;
    std::string plan_trace;
    std::vector<Input> inputs;
};

/// Lets an agent in, within the transaction that gives it something.
using Admit = std::function<Task<Result<void>>(storage::Session&, std::string agent_id)>;

struct Claim {
    std::string agent_id;
    std::vector<std::string> capabilities;
    std::size_t max = 1;
    Admit admit;  ///< empty: anybody
};

/// From where to look on for sets of capabilities that are within these, behind `needs`; nothing: there is none behind it.
[[nodiscard]] std::optional<std::string> next_within(const std::vector<std::string>& sorted,
                                                     std::string_view needs);

struct Claims {
    std::vector<Claimed> steps;
    std::vector<Stir> stirs;
};

/// A lease, by who it is that names it, and of which step; empty plan and step: it does not say.
struct LeaseNamed {
    std::string lease, agent_id;
    std::string plan_id, step_id;
};

/// Is it the lease of this agent, and of this step?
/// @return `permission_denied` "plan.lease_of_another", `conflict` "plan.lease_of_other_step"
[[nodiscard]] Result<void> check_named(const LeaseNamed& named, std::string_view agent_id,
                                       std::string_view plan_id, std::string_view step_id);

/// What an agent says of a step that it has finished.
struct Finish : LeaseNamed {
    Finish() = default;
    explicit Finish(LeaseNamed named) : LeaseNamed(std::move(named)) {}

    bool completed = true;
    std::optional<double> confidence, quality;
    std::optional<std::string> result, reference;
    std::vector<NewStep> expand;  ///< as child_of() takes them, their graph checked
    std::string error;
    bool retryable = true;
    std::optional<milliseconds> took;  ///< as it was measured; else by the clock
    /// It was acknowledged while the database was away: it counts, unless the step has ended otherwise.
    bool late = false;
};

struct Finished {
    std::string plan_id, step_id;
    std::int64_t attempt = 0;
    bool again = false;              ///< it was known already
    std::optional<StepState> state;  ///< that it led to; nothing: it was too late
    std::optional<milliseconds> took;
    Stir stir;
    bool kept = false;  ///< on disk, and not in the database yet
};

/// A lease that was renewed.
struct Renewed {
    SystemTime expires_at;
};

/// A lease that goes on until then, unless it was over or goes on for longer.
struct Renewal {
    std::string lease, plan_id, step_id;
    SystemTime expires_at;
};

/// Leases that ended without a word.
struct Expired {
    std::size_t lost = 0, timed_out = 0, failed = 0;
    std::vector<Stir> stirs;
};

/// Steps as agents work on them. Errors besides storage's: `not_found` "plan.lease_unknown"; `permission_denied`
/// "plan.lease_of_another"; `conflict` "plan.lease_of_other_step", "plan.lease_lost" (another may have it now, or had it taken away),
/// "plan.illegal_move" (it has reported another end by this lease), "plan.too_many_steps".
class WorkRepository {
 public:
    WorkRepository(storage::Database& database, WorkRules rules)
        : database_(database), rules_(rules) {}
    [[nodiscard]] const WorkRules& rules() const { return rules_; }

    static constexpr std::size_t kinds_max = 1'000;
    /// The sets of capabilities that steps which are ready want: what is worth claiming. The first `kinds_max` of them.
    [[nodiscard]] Task<Result<std::vector<std::string>>> wanted(SystemTime now);
    /// Steps that were ready for the longest time first, as many as there are up to `max`.
    [[nodiscard]] Task<Result<Claims>> claim(Claim claim, SystemTime now);
    /// What was claimed for who went before the answer: it counts as no attempt.
    [[nodiscard]] Task<Result<std::vector<Stir>>> put_back(std::vector<Claimed> unheard,
                                                           SystemTime now);
    [[nodiscard]] Task<Result<Renewed>> renew(LeaseNamed named, SystemTime now);
    /// What was told to agents while the database was away.
    [[nodiscard]] Task<Result<void>> renew_all(std::vector<Renewal> renewals);
    [[nodiscard]] Task<Result<Finished>> finish(Finish finish, SystemTime now);

    /// The same within a transaction.
    [[nodiscard]] static Task<Result<Finished>> put_finish(storage::Session& session, Finish finish,
                                                           WorkRules rules, SystemTime now);

    static constexpr std::size_t expired_at_once = 100;
    /// Ends leases that are over: at most `expired_at_once`. A lost one counts as an attempt.
    [[nodiscard]] Task<Result<Expired>> end_expired(SystemTime now);
    /// Ends every lease of an agent, as if it had been silent. Within the transaction that shuts it out.
    [[nodiscard]] static Task<Result<Expired>> end_of_agent(storage::Session& session,
                                                            std::string agent_id, SystemTime now);
    /// May an agent read the result of a step: does it have the lease of one that depends on it?
    [[nodiscard]] Task<Result<bool>> may_read(std::string agent_id, std::string plan_id,
                                              std::string step_id);

 private:
    storage::Database& database_;
    const WorkRules rules_;
};

}  // namespace gh::plan
