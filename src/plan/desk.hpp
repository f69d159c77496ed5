#pragma once

#include <atomic>
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

/// Where agents report what they have done. While the database is away, reports of leases that this node has given and has
/// not seen end go to the journal, on disk before the answer, which says so (`Finished::kept`); what this node knows nothing of
/// waits for the database. Heartbeats are remembered meanwhile, and written once each lease when it is back.
class Desk {
 public:
    /// @param work, fallback, leases  outlive this; nothing was submitted to `fallback` yet
    Desk(WorkRepository& work, storage::Fallback& fallback, Leases& leases);
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    /// @return errors of WorkRepository::finish(); `unavailable`, should neither database nor journal have it
    [[nodiscard]] Task<Result<Finished>> finish(Finish finish, SystemTime now, SteadyTime steady);
    [[nodiscard]] Task<Result<Renewed>> renew(LeaseNamed named, SystemTime now, SteadyTime steady);
    /// Writes what agents were told while the database was away. Every second or so, from one place.
    [[nodiscard]] Task<Result<void>> settle();
    /// Does a report wait for the database? What else waits in the journal is nothing to plans.
    [[nodiscard]] bool waits() const;

 private:
    [[nodiscard]] static Result<void> judge(const HeldLease& held, const LeaseNamed& named,
                                            std::optional<bool> completed);
    [[nodiscard]] Task<Result<Finished>> ask(Finish finish, SystemTime now);
    [[nodiscard]] Task<Result<Finished>> keep(Finish finish, HeldLease held, SystemTime now);

    WorkRepository& work_;
    storage::Fallback& fallback_;
    Leases& leases_;
    std::atomic<SteadyTime::rep> ask_at_ = SteadyTime::min().time_since_epoch().count();
};

}  // namespace gh::plan
