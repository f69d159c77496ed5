#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "vault/rotation/rule.hpp"

// Where a rotation stands and what comes next; pure.

namespace gh::vault::rotation {

/// pending: there is a new value, and what it is for may or may not have taken it. overlap: it is the current version, and the
/// one before is good still. held: it stays so, for a consumer has not moved. retiring: the one before is about to end.
enum class State : std::uint8_t { idle, pending, overlap, held, retiring };
/// What somebody has decided who did not want to wait.
enum class Verdict : std::uint8_t { none, proceed, roll_back };

[[nodiscard]] std::string_view name_of(State state);
[[nodiscard]] std::string_view name_of(Verdict verdict);

/// A rule and how far it is.
struct Rotation {
    std::string path;
    std::string id;  ///< of the rule: another one of the same path has another
    Rule rule;
    std::string server;  ///< what the connection's URL said when the rule was made
    std::int64_t revision = 1;
    State state = State::idle;
    std::uint64_t serial = 0;  ///< values that were made
    std::string pending_role;  ///< whose password the pending value is
    std::string previous_role;
    std::uint64_t current_version = 0;  ///< of the secret; 0: none was made here yet
    std::uint64_t previous_version = 0;
    bool rolled_back = false;  ///< the previous version is the one that was given up
    Verdict verdict = Verdict::none;
    std::optional<SystemTime> due_at;   ///< nothing: when somebody asks for it
    std::optional<SystemTime> wake_at;  ///< when to look again
    std::optional<SystemTime> overlap_ends_at, held_until;
    std::optional<SystemTime> rotated_at;  ///< the last success
    std::uint32_t failures = 0;            ///< in a row
    std::string error;                     ///< of the last of them
    SystemTime created_at, updated_at;
};

/// Who reads a secret, and which version last.
struct Consumer {
    std::string name;           ///< "api_key:billing"
    std::uint64_t version = 0;  ///< 0: none yet
    std::optional<SystemTime> used_at;
    friend bool operator==(const Consumer&, const Consumer&) = default;
};

/// Who was not seen for so long does not hold a rotation.
inline constexpr seconds consumer_seen_max = std::chrono::days(30);
/// Other nodes tell of what was read there with a delay.
inline constexpr seconds told_after{5};
inline constexpr seconds held_look_every{5};

/// Those whose last version is the previous one or older.
/// @param seen  all that are known
[[nodiscard]] std::vector<Consumer> lagging(const Rotation& rotation,
                                            const std::vector<Consumer>& seen, SystemTime now);

enum class Step : std::uint8_t { nothing, begin, apply, hold, retire, roll_back };

struct Decision {
    Step step = Step::nothing;
    std::optional<SystemTime> wake_at;  ///< where there is nothing to do now
};
[[nodiscard]] Decision decide(const Rotation& rotation, const std::vector<Consumer>& lag,
                              SystemTime now);

/// Until the next try: 5 s after the first failure, twice as long after each, 15 min at most.
[[nodiscard]] seconds pause_after(std::uint32_t failures);

/// The same for a step of this rotation. Where the one role of a server may have a password that nobody reads yet, soon.
/// @param reason  of the failure
[[nodiscard]] seconds pause_after(const Rotation& rotation, std::string_view reason);

/// After a success: when it is due again; nothing where it is not by itself.
[[nodiscard]] std::optional<SystemTime> next_due(const Rule& rule, SystemTime now);

}  // namespace gh::vault::rotation
