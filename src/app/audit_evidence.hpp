#pragma once

#include <filesystem>
#include <vector>

#include "audit/note.hpp"
#include "audit/verifier.hpp"
#include "base/error.hpp"

namespace gh::app {

/// The checkpoint of a file, as `<data_dir>/audit/checkpoint` is one.
/// @return `invalid_argument` "audit.evidence": it is none, or not one that `log` has signed; `unavailable` "file.io"
[[nodiscard]] Result<audit::Checkpoint> read_checkpoint(const std::filesystem::path& file,
                                                        const audit::NoteVerifier& log);

/// What was kept of a log: checkpoints, and an export, which is read as it is asked for.
/// @param checkpoints  in any order
/// @param exported     a file; empty: none
/// @return             `invalid_argument` "audit.evidence": the file is no export of this log
[[nodiscard]] Result<audit::Evidence> gather_evidence(std::vector<audit::Checkpoint> checkpoints,
                                                      const std::filesystem::path& exported,
                                                      const audit::NoteVerifier& log);

}  // namespace gh::app
