#pragma once

#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

// One who replaces what all the others rely on (a restore, a new master key) keeps them out of a PostgreSQL database: a lock of
// his connection (advisory, of the session), which goes with it. An SQLite database is kept by a lock beside it: always free.

namespace gh::storage {

/// Takes it, once more where he has it. For a database of one connection that lasts: the lock is that connection's.
/// @return does nobody else have it?
[[nodiscard]] Task<Result<bool>> take_alone(Database& database);
/// Gives back all that this connection took.
[[nodiscard]] Task<Result<void>> end_alone(Database& database);
/// Does somebody have it just now? A moment's question, which a pool in front of the server may carry, too.
[[nodiscard]] Task<Result<bool>> kept_by_one(Database& database);

}  // namespace gh::storage
