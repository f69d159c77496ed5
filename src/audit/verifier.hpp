#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/checkpoint.hpp"
#include "audit/export_lines.hpp"
#include "audit/note.hpp"
#include "storage/database.hpp"

/// Is the log what it was?
namespace gh::audit {

/// What somebody kept of the log before, piece by piece and rising: checkpoints by size and records by index.
struct Evidence {
    /// The next one, or nothing behind the last.
    std::function<Result<std::optional<Checkpoint>>()> checkpoint;
    std::function<Result<std::optional<ExportedRecord>>()> record;
};

struct Verdict {
    static constexpr std::size_t findings_max = 20;

    std::uint64_t records = 0;
    std::uint64_t checkpoints = 0;         ///< of the database, all right
    std::uint64_t checkpoints_before = 0;  ///< of the evidence, all right
    std::uint64_t records_before = 0;      ///< of the evidence, and there unchanged
    std::vector<std::string> findings;     ///< sentences for people, at most findings_max
    std::uint64_t found = 0;               ///< as many as there were

    [[nodiscard]] bool good() const { return found == 0; }
};

/// Reads every record, builds the tree anew and compares every node, the head and every checkpoint with it, and all of it
/// with the evidence. Others may append meanwhile: judged is the log as it was at the start. Reads by pages: the memory it
/// needs does not grow with the log.
///
/// @param log  whose checkpoints these must be
/// @return     errors of the database and of the evidence; what is wrong with the log is no error but a finding
[[nodiscard]] Task<Result<Verdict>> verify_log(storage::Database& database, NoteVerifier log,
                                               Evidence evidence);

}  // namespace gh::audit
