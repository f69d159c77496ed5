#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audit/record.hpp"
#include "net/answer.hpp"
#include "storage/fallback.hpp"
#include "telemetry/metrics.hpp"

/// Writing the audit log. Each record is a leaf of one tree over all nodes (docs/formats/audit-log.md); its index is given
/// in the transaction that writes it. A record whose id the log has is no second leaf; without an id it is given one.
namespace gh::audit {

class Log {
 public:
    static constexpr std::size_t waiting_max = 10'000;  ///< records that wait for the database

    /// Registers with `fallback`, before anything is submitted there: for the records that wait in its journal, and to
    /// record what the database refuses when it comes from there. Outlives what is under way.
    Log(storage::Fallback& fallback, telemetry::Registry& registry, telemetry::Log& log);

    /// Keeps others from recording until the transaction ends. Work that will append() calls it before all else:
    ///
    ///     auto work = [=](Session& session) -> Task<Result<void>> {
    ///         GH_CO_TRY_VOID(co_await audit::Log::lock(session));
    ///         ... the act ...
    ///         co_return co_await audit::Log::append(session, record);
    ///     };
    ///
    /// On PostgreSQL such works queue at this lock, over all nodes. Without it they are right as well, but are run again
    /// whenever they meet, and in the long run refused ("storage.busy"). SQLite has one writer anyway.
    [[nodiscard]] static Task<Result<void>> lock(storage::Session& session);
    /// Records an act in the transaction that does it: both or neither are there.
    /// @return `corrupt` "audit.head", errors of the session
    [[nodiscard]] static Task<Result<void>> append(storage::Session& session, Record record);

    /// Records by itself. Resumes when the record is on disk: in the database, or in the journal while that is away. What
    /// waits at the same time is written together. From a coroutine on a loop.
    /// @return `exhausted` "audit.busy" (waiting_max), `corrupt` "audit.head", errors of the journal
    [[nodiscard]] Task<Result<void>> append(Record record);

 private:
    struct Waiting {
        Leaf leaf;
        net::Answer<Result<void>>::Giver give;
    };
    [[nodiscard]] Task<> write_waiting();
    [[nodiscard]] std::vector<Waiting> next_group();
    [[nodiscard]] Task<Result<void>> submit(std::string kind, std::vector<Leaf> leaves);
    [[nodiscard]] Task<> record_reject(storage::JournalRecord record, Error why);

    storage::Fallback& fallback_;
    telemetry::Log& log_;
    telemetry::Counter& kept_;
    telemetry::Counter& refused_;
    std::mutex mutex_;
    std::deque<Waiting> waiting_;
    bool writing_ = false;  // somebody is in write_waiting()
};

}  // namespace gh::audit
