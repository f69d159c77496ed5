#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/call.hpp"
#include "api/reply.hpp"
#include "api/type.hpp"
#include "audit/act.hpp"
#include "base/error.hpp"
#include "vault/rotation/repository.hpp"

// Rotations as answers have them, for the routes and the shell.

namespace gh::vault::rotation {

struct ShownRotation {
    std::string path;
    Rule rule;
    State state = State::idle;
    std::uint64_t current_version = 0, previous_version = 0;
    bool rolled_back = false;
    std::optional<SystemTime> due_at, overlap_ends_at, held_until, rotated_at, next_try_at;
    std::uint32_t failures = 0;
    std::optional<std::string> error;
    SystemTime created_at, updated_at;
};
[[nodiscard]] ShownRotation shown(const Rotation& rotation);
[[nodiscard]] const api::Type<ShownRotation>& rotation_type();
[[nodiscard]] const api::Type<Run>& run_type();

struct ShownConsumer {
    std::string consumer;
    std::optional<std::uint64_t> version;
    std::optional<SystemTime> used_at;
    bool lags = false;
};
/// All that were seen, and those of the rule that were not.
[[nodiscard]] std::vector<ShownConsumer> shown(const Rotation& rotation,
                                               const std::vector<Consumer>& seen, SystemTime now);
[[nodiscard]] const api::Type<ShownConsumer>& consumer_type();

/// What of a rule goes into the audit log.
[[nodiscard]] storage::Also<Rotation> recorded_rule(audit::Record record);

/// What the rules of the house say against it, as a client reads it; errors of others stay what they are.
[[nodiscard]] Result<api::Reply> told(const api::Call& call, Error error);

}  // namespace gh::vault::rotation
