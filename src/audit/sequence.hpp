#pragma once

#include <cstddef>
#include <vector>

#include "audit/merkle.hpp"
#include "audit/record.hpp"
#include "storage/session.hpp"

/// The rows of the log (migrations/0005_audit, 0007_audit_order), as whoever appends and whoever signs sees them: one after
/// another.
namespace gh::audit {

/// Records that one transaction appends.
inline constexpr std::size_t leaves_max = 4'096;

/// Waits until nobody else appends, and keeps others waiting until the transaction ends: Log::lock().
[[nodiscard]] Task<Result<void>> lock_log(storage::Session& session);

/// The tree as it is; locks the log.
/// @return `corrupt` "audit.head" when the row that tells it is not there or no tree
[[nodiscard]] Task<Result<CompactRange>> load_tree(storage::Session& session);

/// Gives each leaf the next index; one whose id the log has is passed over, and the second of two as well.
///
/// @param leaves  at most leaves_max
/// @return        how many are new; `corrupt` "audit.head" when the rows are not those of one log
[[nodiscard]] Task<Result<std::size_t>> append_leaves(storage::Session& session, Leaves leaves);

}  // namespace gh::audit
