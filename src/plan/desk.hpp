#pragma once

#include <memory>
#include <optional>
#include <string>

#include "plan/leases.hpp"
#include "plan/work_repository.hpp"
#include "storage/fallback.hpp"

namespace gh::plan {

/// A report as the journal holds it, and back.
[[nodiscard]] std::string text_of(const Finish& finish);
/// @return `invalid_argument` "plan.payload"
[[nodiscard]] Result<Finish> finish_of_text(std::string_view text);

/// Where agents report what they have done. While the database is away, reports of leases that this node has given go to the
/// journal, on disk before the answer, and count from then on; what this node knows nothing of waits for the database.
class Desk {
 public:
    /// @param work, fallback, leases  outlive this; nothing was submitted to `fallback` yet
    Desk(WorkRepository& work, storage::Fallback& fallback, Leases& leases);
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    /// @return errors of WorkRepository::finish(); `unavailable`, should neither database nor journal have it
    [[nodiscard]] Task<Result<Finished>> finish(Finish finish, SystemTime now, SteadyTime steady);
    [[nodiscard]] Task<Result<Renewed>> renew(std::string lease, std::string agent_id,
                                              SystemTime now);
    /// Does a report wait for the database?
    [[nodiscard]] bool waits() const { return fallback_.backlog().records > 0; }

 private:
    [[nodiscard]] Task<Result<Finished>> submit(Finish finish, HeldLease held, SystemTime now);

    WorkRepository& work_;
    storage::Fallback& fallback_;
    Leases& leases_;
};

}  // namespace gh::plan
