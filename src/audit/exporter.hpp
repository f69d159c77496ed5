#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "audit/note.hpp"
#include "audit/reader.hpp"
#include "storage/database.hpp"

/// The log as lines that anybody can check: docs/formats/audit-log.md.
namespace gh::audit {

/// Takes whole lines, in order.
using LineSink = std::function<Result<void>(std::string_view)>;

struct Exported {
    std::uint64_t checkpoints = 0, records = 0;
    std::uint64_t size = 0;  ///< of the last checkpoint
};

/// Writes every checkpoint, and of the records below the last one those that the filter wants, each with its proof. Reads
/// by pages: the memory it needs does not grow with the log.
///
/// @param log  whose checkpoints these must be
/// @return     `not_found` "audit.no_checkpoint" (none was made yet); `corrupt` "audit.checkpoint", "audit.tree_nodes";
///             errors of the sink and of the database
[[nodiscard]] Task<Result<Exported>> export_log(storage::Database& database, NoteVerifier log,
                                                Filter filter, LineSink sink);

}  // namespace gh::audit
