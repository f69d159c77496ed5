#pragma once

#include <string>

#include "audit/record.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "identity/revocations.hpp"
#include "storage/fallback.hpp"

namespace gh::identity {

/// Ends tokens and keys whether the database is there or not: on this node at once, durably before it says so, and in the
/// database exactly once, in the order it was asked for. Other nodes hear of it from there.
class Revoker {
 public:
    /// @param fallback, source  outlive this; nothing was submitted to `fallback` yet
    Revoker(storage::Fallback& fallback, RevocationSource& source);
    Revoker(const Revoker&) = delete;
    Revoker& operator=(const Revoker&) = delete;

    /// Ends what was issued up to `now`. A key ends for good.
    ///
    /// @param value   `jti`, the name of a user (in any case), `client_id`, or the id of a key
    /// @param record  of the audit log, in the same transaction
    /// @return        `not_found` "user.unknown", "key.unknown", where the database is there to say so; errors of the journal:
    ///                then it binds this process, and may not outlast it
    [[nodiscard]] Task<Result<void>> end(RevocationKind kind, std::string value, SystemTime now,
                                         audit::Record record);

    /// Does anything wait for the database? Then other nodes do not know it yet.
    [[nodiscard]] bool waits() const { return fallback_.backlog().records > 0; }

    /// Binds this process to what an earlier one left in the journal: before the first request.
    /// @return errors of reading the journal
    [[nodiscard]] Result<void> recall(SystemTime now);

 private:
    storage::Fallback& fallback_;
    RevocationSource& source_;
};

}  // namespace gh::identity
