#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "plan/state.hpp"

namespace gh::plan {

inline constexpr std::size_t id_bytes_max = 64;        ///< as a client chooses it
inline constexpr std::size_t step_id_bytes_max = 200;  ///< with those it came of: "a.b.c"
inline constexpr std::size_t name_characters_max = 200;
inline constexpr std::size_t metadata_bytes_max = 16 * 1024;
inline constexpr std::size_t result_bytes_max = 64 * 1024;
inline constexpr std::size_t reference_bytes_max = 1024;
inline constexpr std::size_t error_characters_max = 4'000;
inline constexpr std::size_t expand_max = 100;  ///< steps that one step may become
inline constexpr std::size_t claim_max = 100;

/// Letters, digits and _.- beginning with a letter or digit: ids of plans and steps, and types.
[[nodiscard]] bool valid_id(std::string_view text);

/// When a step whose dependencies end may begin.
enum class Join : std::uint8_t {
    all,  ///< once each of them is completed; skipped as soon as one ends otherwise
    any,  ///< with the first that is completed; skipped once all have ended otherwise
};

/// A step as it was wanted.
struct NewStep {
    std::string id, type, name;
    std::vector<std::string> depends_on;
    std::string metadata = "{}";  ///< a JSON object
    std::vector<std::string> capabilities;
    Join join = Join::all;
    bool approval = false;
    std::string condition;  ///< JSON; empty: none
    std::int64_t max_attempts = 3;
    milliseconds timeout{0};  ///< of an attempt; 0: none
};

struct NewPlan {
    std::string id, name;
    std::string metadata = "{}";
    std::vector<NewStep> steps;
    std::string fingerprint;  ///< of the body that wanted it
    std::string created_by;
    std::string trace;  ///< a message context, see telemetry/message_context.hpp; empty: none
};

struct Plan {
    std::string id, name, metadata;
    PlanState state = PlanState::pending;
    Tally tally;
    std::int64_t next_event = 1;
    std::string fingerprint, trace, created_by;
    SystemTime created_at, updated_at;
    std::optional<SystemTime> started_at, ended_at;
    std::optional<milliseconds>
        duration;  ///< from the first step's start to the end, as it was measured
};

struct Step {
    std::string plan_id, id;
    std::int64_t position = 0;
    std::string type, name, metadata;
    std::string needs;  ///< capabilities, sorted, apart by spaces
    Join join = Join::all;
    bool approval = false;
    std::string condition;
    std::int64_t max_attempts = 3;
    milliseconds timeout{0};
    StepState state = StepState::pending;
    std::int64_t open = 0;  ///< dependencies that have not ended
    std::int64_t done = 0;  ///< dependencies that were completed
    std::int64_t attempts = 0;
    SystemTime available_at;
    std::string lease, agent_id;  ///< of the last attempt; empty before the first
    std::optional<SystemTime> lease_expires_at, deadline_at;
    std::optional<double> confidence, quality;
    bool has_result = false;
    std::optional<std::string> result;     ///< JSON; in lists it is left out
    std::optional<std::string> reference;  ///< where it lies, in words of the agents
    std::string error;
    std::string approved_by;
    std::string parent;  ///< the step that became this one among others; empty: it was planned
    std::optional<SystemTime> started_at, ended_at;
    std::optional<milliseconds> duration;  ///< of the attempt that ended it
};

struct Attempt {
    std::string lease, plan_id, step_id, agent_id;
    std::int64_t number = 0;
    AttemptState state = AttemptState::running;
    SystemTime started_at;
    std::optional<SystemTime> ended_at;
    std::optional<milliseconds> duration;
    std::string error;
};

/// What has happened to a plan or, where it names one, to a step of it.
struct Event {
    std::int64_t sequence = 0;  ///< of its plan, from 1
    SystemTime at;
    std::string type;  ///< "plan.running", "step.completed", ...
    std::string step_id, agent_id, detail;
    std::int64_t attempt = 0;
};

}  // namespace gh::plan
