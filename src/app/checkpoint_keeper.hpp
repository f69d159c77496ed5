#pragma once

#include <filesystem>
#include <optional>

#include "audit/checkpoints.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "crypto/key_store.hpp"
#include "storage/database.hpp"

namespace gh::app {

/// Signs checkpoints of the audit log and keeps the newest one in the data directory as well, in audit/checkpoint: a log
/// that is not the one this file speaks of is not signed, whatever the database says, and whoever copies the file
/// elsewhere can prove more. `serve` has one, and so have verbs.
class CheckpointKeeper {
 public:
    /// Makes the key when there is none yet.
    /// @return errors of audit::open_log_key(); `unavailable` "data_dir"
    [[nodiscard]] static Result<CheckpointKeeper> open(const std::filesystem::path& data_dir,
                                                       std::string origin, crypto::KeyStore& keys,
                                                       storage::Database& database);

    [[nodiscard]] const audit::NoteVerifier& verifier() const { return signer_.verifier(); }

    /// Reads and writes the file: not on a worker's loop. One caller at a time.
    /// @return errors of audit::CheckpointSigner::sign() and of kept()
    [[nodiscard]] Task<Result<audit::CheckpointSigner::State>> sign(SystemTime now);

    /// What the file says, if there is one.
    /// @return `conflict` "audit.checkpoint_file" when it is no checkpoint of this log; `unavailable` "file.io"
    [[nodiscard]] Result<std::optional<audit::Checkpoint>> kept() const;

 private:
    CheckpointKeeper(std::filesystem::path folder, audit::NoteSigner signer,
                     storage::Database& database)
        : folder_(std::move(folder)), signer_(std::move(signer)), database_(&database) {}

    std::filesystem::path folder_;
    audit::NoteSigner signer_;
    storage::Database* database_;
};

}  // namespace gh::app
