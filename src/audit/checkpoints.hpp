#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/checkpoint.hpp"
#include "crypto/key_store.hpp"
#include "storage/database.hpp"

/// The signed checkpoints of the log, as the database keeps them.
namespace gh::audit {

/// The key that signs for the log of this name: "audit-log-key" of the store, made when it is not there yet.
/// @return `corrupt` "audit.key" when what the store has is none; its errors; those of NoteSigner::of()
[[nodiscard]] Result<NoteSigner> open_log_key(crypto::KeyStore& keys, std::string origin);

/// A checkpoint and the note that it was read from.
struct SignedCheckpoint {
    Checkpoint checkpoint;
    std::string note;
};

/// The newest one; nothing where none was ever made. Its signature is not judged.
/// @return `corrupt` "audit.checkpoint" when it is none
[[nodiscard]] Task<Result<std::optional<SignedCheckpoint>>> newest_checkpoint(
    storage::Session& session);

/// Notes of checkpoints over more than `above` records, the smallest first, at most `limit`.
struct KeptNote {
    std::uint64_t size;
    std::string note;
};
[[nodiscard]] Task<Result<std::vector<KeptNote>>> list_checkpoints(
    storage::Session& session, std::optional<std::uint64_t> above, std::size_t limit);

/// Signs what the log has become, and only that: a log that does not continue what was signed before is not signed.
class CheckpointSigner {
 public:
    /// @param known  the newest checkpoint that is kept outside of the database, if any: whoever changes both the rows
    ///               and the checkpoints beside them is seen by it
    CheckpointSigner(storage::Database& database, NoteSigner signer,
                     std::optional<Checkpoint> known)
        : database_(database), signer_(std::move(signer)), known_(std::move(known)) {}

    [[nodiscard]] const NoteVerifier& verifier() const { return signer_.verifier(); }

    struct State {
        std::uint64_t records = 0;               ///< in the log
        std::optional<SignedCheckpoint> newest;  ///< nothing while the log is empty
    };
    /// Makes a checkpoint if the log has grown since the last one. One caller at a time.
    ///
    /// @return `conflict` "audit.other_key" (the last one was signed with another key, or for another name: another node
    ///         signs for this log), `corrupt` "audit.rolled_back" (the log is shorter than a checkpoint says),
    ///         "audit.rewritten" (it is another one), "audit.head", "audit.tree_nodes"; errors of the database
    [[nodiscard]] Task<Result<State>> sign(SystemTime now);

 private:
    // By copies: who asked may be gone while the database works.
    [[nodiscard]] static Task<Result<State>> sign_within(storage::Session& session,
                                                         NoteSigner signer,
                                                         std::optional<Checkpoint> known,
                                                         SystemTime now);

    storage::Database& database_;
    NoteSigner signer_;
    std::optional<Checkpoint> known_;
};

}  // namespace gh::audit
