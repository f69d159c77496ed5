#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "storage/url.hpp"
#include "vault/keyring.hpp"
#include "vault/rotation/generate.hpp"
#include "vault/rotation/rotation.hpp"

namespace gh::vault::rotation {

inline constexpr std::int64_t rotations_max = 10'000;
inline constexpr std::int64_t runs_kept = 100;         // of each path
inline constexpr std::int64_t consumers_kept = 1'000;  // of each path
inline constexpr std::size_t due_at_once = 32;
/// Whoever works on a rotation has it for so long; then it is anybody's who is there.
inline constexpr seconds claim_length{15};

enum class RunKind : std::uint8_t { rotate, hold, retire, roll_back };
enum class RunState : std::uint8_t { running, succeeded, failed, interrupted };
[[nodiscard]] std::string_view name_of(RunKind kind);
[[nodiscard]] std::string_view name_of(RunState state);

/// One try, as the history has it.
struct Run {
    std::string id;
    RunKind kind = RunKind::rotate;
    RunState state = RunState::running;
    std::uint32_t attempt = 1;
    std::uint64_t version = 0;   ///< of the secret, that it made or ended; 0: none
    std::string reason, detail;  ///< of a failure
    SystemTime started_at;
    std::optional<SystemTime> ended_at, next_at;
};

/// Work that is ours until the claim ends.
struct Claimed {
    Rotation rotation;
    Step step = Step::nothing;
    std::string claim;
    std::string run;
};

/// What a step works with: values of the secret, each a JSON object; null: there is none.
struct Values {
    std::shared_ptr<const crypto::Secret> newest, pending, previous;
};

struct Overview {
    std::int64_t rotations = 0, overdue = 0, held = 0, failing = 0;
    std::optional<SystemTime> last_success;
};

/// Somebody has read a version.
struct Use {
    std::string path, consumer;
    std::uint64_t version = 0;
    SystemTime at;
};

struct RotationPage {
    std::string after;  ///< a path; empty: from the beginning
    std::size_t limit = 50;
};

/// Rules of rotations, how far each is, what was tried and who reads: in the database. New values are in it sealed.
///
/// Errors besides storage's and the keyring's: `not_found` "rotation.unknown"; `invalid_argument` "secret.path"; `conflict`
/// "rotation.too_many", "rotation.role_taken", "rotation.in_progress" (the detail says what to wait for), "rotation.lost":
/// another has it by now.
class Repository {
 public:
    /// @param keyring  outlives it
    Repository(storage::Database& database, Keyring& keyring)
        : database_(database), keyring_(keyring) {}

    // --- rules ---

    /// Makes or changes one. A secret without a version is due at once, any other after `every`.
    /// @param server  as of server_for()
    [[nodiscard]] Task<Result<Rotation>> set(std::string path, Rule rule, SystemTime now,
                                             storage::Also<Rotation> also = {},
                                             std::optional<storage::PostgresUrl> server = {});
    [[nodiscard]] Task<Result<Rotation>> find(std::string path);
    [[nodiscard]] Task<Result<std::vector<Rotation>>> list(RotationPage page);
    [[nodiscard]] Task<Result<std::vector<std::string>>> paths();
    /// @param force  also where a rotation is under way; nobody ends the version before then. The password that the one role
    ///               of a server may have by now is kept as a deleted version
    [[nodiscard]] Task<Result<Rotation>> remove(std::string path, bool force, SystemTime now,
                                                storage::Also<Rotation> also = {});
    /// Now, not when it is due.
    [[nodiscard]] Task<Result<Rotation>> ask_for(std::string path, SystemTime now,
                                                 storage::Also<Rotation> also = {});
    /// Ends an overlap or a hold.
    [[nodiscard]] Task<Result<Rotation>> judge(std::string path, Verdict verdict, SystemTime now,
                                               storage::Also<Rotation> also = {});

    // --- steps ---

    [[nodiscard]] Task<Result<std::vector<std::string>>> due(SystemTime now);
    /// Nothing: it is another's, or there is nothing to do yet.
    [[nodiscard]] Task<Result<std::optional<Claimed>>> claim(std::string path, SystemTime now);
    /// Before each thing that is told to others: it is still ours, and for `claim_length` from now on.
    [[nodiscard]] Task<Result<void>> extend(const Claimed& claimed, SystemTime now);
    [[nodiscard]] Task<Result<Values>> values(const Claimed& claimed, SystemTime now);
    /// Keeps the new value before anybody hears of it.
    [[nodiscard]] Task<Result<Rotation>> begin(const Claimed& claimed, Candidate candidate,
                                               SystemTime now);
    /// What it is for has taken it: it becomes the newest version.
    [[nodiscard]] Task<Result<Rotation>> promote(const Claimed& claimed, SystemTime now,
                                                 storage::Also<Rotation> also = {});
    [[nodiscard]] Task<Result<Rotation>> hold(const Claimed& claimed, SystemTime now,
                                              storage::Also<Rotation> also = {});
    /// The version before has ended: it is deleted, and may be taken back as any other.
    [[nodiscard]] Task<Result<Rotation>> retire(const Claimed& claimed, SystemTime now,
                                                storage::Also<Rotation> also = {});
    /// The value of the version before becomes the newest; the one that was given up stays good for an overlap.
    [[nodiscard]] Task<Result<Rotation>> roll_back(const Claimed& claimed, SystemTime now,
                                                   storage::Also<Rotation> also = {});
    /// @return when it is tried again
    [[nodiscard]] Task<Result<Rotation>> fail_step(const Claimed& claimed, const Error& error,
                                                   SystemTime now);

    // --- what is known of them ---

    /// The newest first.
    /// @param before  a run's id; empty: from the newest on
    [[nodiscard]] Task<Result<std::vector<Run>>> runs(std::string path, std::string before,
                                                      std::size_t limit);
    [[nodiscard]] Task<Result<std::vector<Consumer>>> consumers(std::string path);
    [[nodiscard]] Task<Result<void>> forget_consumer(std::string path, std::string consumer,
                                                     storage::Also<bool> also = {});
    /// What is not read of a rotated secret is passed over.
    [[nodiscard]] Task<Result<void>> note_uses(std::vector<Use> uses);
    [[nodiscard]] Task<Result<Overview>> overview(SystemTime now);

 private:
    using Rows = std::function<Task<Result<Rotation>>(storage::Session&)>;
    /// Within one write transaction, with what belongs to it.
    [[nodiscard]] Task<Result<Rotation>> change(Rows rows, storage::Also<Rotation> also);

    storage::Database& database_;
    Keyring& keyring_;
};

}  // namespace gh::vault::rotation
