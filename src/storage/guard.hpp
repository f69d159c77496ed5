#pragma once

#include <exception>

#include "storage/database.hpp"

namespace gh::storage {

/// Work as an engine runs it: what it throws is a bug of ours and becomes `internal` "storage.exception", so that it fails
/// alone.
inline Task<Result<void>> guarded(Database::Work& work, Session& session) {
    try {
        co_return co_await work(session);
    } catch (const std::exception& thrown) {
        co_return fail(ErrorKind::internal, "storage.exception", thrown.what());
    }
}

}  // namespace gh::storage
