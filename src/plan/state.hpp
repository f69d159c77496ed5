#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gh::plan {

/// Where a plan stands. See may_move().
enum class PlanState : std::uint8_t {
    pending,  ///< no step of it was begun
    running,
    paused,  ///< by a person: nothing of it is handed out
    completed,
    failed,     ///< a step of it has failed, and nothing of it is left to do
    cancelled,  ///< by a person, as a whole or a step of it
};

/// Where a step stands. See may_move().
enum class StepState : std::uint8_t {
    pending,    ///< what it depends on has not ended
    waiting,    ///< for a person who approves it
    ready,      ///< for an agent
    running,    ///< an agent has a lease of it
    completed,  ///< with a result
    failed,     ///< for good, after all attempts
    cancelled,  ///< by a person
    skipped,    ///< its condition did not hold, or what it depends on did not complete
};

/// What became of an agent's work on a step.
enum class AttemptState : std::uint8_t {
    running,
    completed,
    failed,     ///< said the agent
    lost,       ///< the agent was silent until its lease ended
    timed_out,  ///< it took longer than the step may
    cancelled,  ///< the step was taken away
};

inline constexpr std::array plan_states{PlanState::pending, PlanState::running,
                                        PlanState::paused,  PlanState::completed,
                                        PlanState::failed,  PlanState::cancelled};
inline constexpr std::array step_states{
    StepState::pending,   StepState::waiting, StepState::ready,     StepState::running,
    StepState::completed, StepState::failed,  StepState::cancelled, StepState::skipped};
inline constexpr std::array attempt_states{AttemptState::running,   AttemptState::completed,
                                           AttemptState::failed,    AttemptState::lost,
                                           AttemptState::timed_out, AttemptState::cancelled};

/// "pending", "running", ...
[[nodiscard]] std::string_view name_of(PlanState state);
[[nodiscard]] std::string_view name_of(StepState state);
[[nodiscard]] std::string_view name_of(AttemptState state);
[[nodiscard]] std::optional<PlanState> plan_state_of(std::string_view name);
[[nodiscard]] std::optional<StepState> step_state_of(std::string_view name);
[[nodiscard]] std::optional<AttemptState> attempt_state_of(std::string_view name);

/// Is it a move that there is? Nothing leaves an end. To stay is no move.
[[nodiscard]] bool may_move(PlanState from, PlanState to);
[[nodiscard]] bool may_move(StepState from, StepState to);

[[nodiscard]] constexpr bool is_end(PlanState state) { return state >= PlanState::completed; }
[[nodiscard]] constexpr bool is_end(StepState state) { return state >= StepState::completed; }

/// How many steps of a plan have ended, and how.
struct Tally {
    std::int64_t steps = 0;
    std::int64_t completed = 0, failed = 0, cancelled = 0, skipped = 0;
    [[nodiscard]] std::int64_t ended() const { return completed + failed + cancelled + skipped; }
    [[nodiscard]] bool over() const { return ended() >= steps; }
    void count(StepState end);
};

/// What a plan has become whose steps have all ended: failed before cancelled, and that before completed.
[[nodiscard]] PlanState end_of(const Tally& tally);

/// 100 * ended / all, of a hundred; 100 where all have ended.
[[nodiscard]] double progress_of(const Tally& tally);

}  // namespace gh::plan
