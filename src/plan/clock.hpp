#pragma once

#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::plan {

/// The database's time, as this node knows it: what it was when it was last asked, and on from there by a clock that does not
/// step. The nodes of a house agree on it, however their own clocks differ; it never goes back while the process lives, and
/// goes on while the database is away. From any thread.
class Clock {
 public:
    /// Before the first answer of the database: this machine's clock.
    explicit Clock(SystemTime now = std::chrono::system_clock::now(),
                   SteadyTime steady = std::chrono::steady_clock::now())
        : now_(now), steady_(steady) {}

    /// What the database has said, at a time between `asked` and `answered`.
    void set(SystemTime database, SteadyTime asked, SteadyTime answered);
    [[nodiscard]] SystemTime now(SteadyTime steady) const;

 private:
    [[nodiscard]] SystemTime at(SteadyTime steady) const;

    mutable std::mutex mutex_;
    SystemTime now_;
    SteadyTime steady_;
    bool asked_ = false;
};

/// What the database's clock shows.
[[nodiscard]] Task<Result<SystemTime>> time_of(storage::Session& session);
[[nodiscard]] Task<Result<SystemTime>> time_of(storage::Database& database);

}  // namespace gh::plan
