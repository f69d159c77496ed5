#include "plan/state.hpp"

#include <algorithm>
#include <cstddef>

namespace gh::plan {
namespace {

constexpr std::array<std::string_view, plan_states.size()> plan_names{
    "pending", "running", "paused", "completed", "failed", "cancelled"};
constexpr std::array<std::string_view, step_states.size()> step_names{
    "pending", "waiting", "ready", "running", "completed", "failed", "cancelled", "skipped"};
constexpr std::array<std::string_view, attempt_states.size()> attempt_names{
    "running", "completed", "failed", "lost", "timed_out", "cancelled"};

template <class State, std::size_t size>
std::optional<State> state_of(std::string_view name,
                              const std::array<std::string_view, size>& names,
                              const std::array<State, size>& states) {
    const auto* found = std::ranges::find(names, name);
    if (found == names.end()) return {};
    return states[static_cast<std::size_t>(found - names.begin())];
}

template <class State>
constexpr std::uint16_t bit(State state) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(state));
}

template <class... States>
constexpr std::uint16_t any_of(States... states) {
    return static_cast<std::uint16_t>((bit(states) | ...));
}

// Where the way leads from each, in the order of the enumerations.
using P = PlanState;
constexpr std::array<std::uint16_t, plan_states.size()> plan_ways{
    any_of(P::running, P::paused, P::completed, P::failed, P::cancelled),
    any_of(P::paused, P::completed, P::failed, P::cancelled),
    any_of(P::pending, P::running, P::completed, P::failed, P::cancelled),
    0,
    0,
    0,
};
using S = StepState;
constexpr std::array<std::uint16_t, step_states.size()> step_ways{
    any_of(S::waiting, S::ready, S::cancelled, S::skipped),
    // Back to pending: held while the plan is paused.
    any_of(S::pending, S::ready, S::failed, S::cancelled),
    any_of(S::pending, S::running, S::cancelled),
    any_of(S::pending, S::ready, S::completed, S::failed, S::cancelled),
    0,
    0,
    0,
    0,
};

}  // namespace

std::string_view name_of(PlanState state) { return plan_names[static_cast<std::size_t>(state)]; }
std::string_view name_of(StepState state) { return step_names[static_cast<std::size_t>(state)]; }
std::string_view name_of(AttemptState state) {
    return attempt_names[static_cast<std::size_t>(state)];
}

std::optional<PlanState> plan_state_of(std::string_view name) {
    return state_of(name, plan_names, plan_states);
}
std::optional<StepState> step_state_of(std::string_view name) {
    return state_of(name, step_names, step_states);
}
std::optional<AttemptState> attempt_state_of(std::string_view name) {
    return state_of(name, attempt_names, attempt_states);
}

bool may_move(PlanState from, PlanState to) {
    return from != to && (plan_ways[static_cast<std::size_t>(from)] & bit(to)) != 0;
}

bool may_move(StepState from, StepState to) {
    return from != to && (step_ways[static_cast<std::size_t>(from)] & bit(to)) != 0;
}

void Tally::count(StepState end) {
    switch (end) {
        case StepState::completed: ++completed; break;
        case StepState::failed: ++failed; break;
        case StepState::cancelled: ++cancelled; break;
        case StepState::skipped: ++skipped; break;
        default: break;
    }
}

PlanState end_of(const Tally& tally) {
    if (tally.failed > 0) return PlanState::failed;
    if (tally.cancelled > 0) return PlanState::cancelled;
    return PlanState::completed;
}

double progress_of(const Tally& tally) {
    if (tally.over()) return 100.0;
    return 100.0 * static_cast<double>(tally.ended()) / static_cast<double>(tally.steps);
}

}  // namespace gh::plan
