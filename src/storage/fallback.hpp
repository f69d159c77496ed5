#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "storage/database.hpp"
#include "storage/journal.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::storage {

/// Is the database itself away, so that the same write may succeed later?
[[nodiscard]] bool is_away(const Error& error);

/// A write that must not be lost, as data, so that it can wait.
struct Command {
    std::string kind;     ///< "audit.append": who applies it
    std::string payload;  ///< JSON object
};

/// Writes that survive the database being away: into it when it is there, into the journal when it is not, and from there
/// into it once it is back, in order and each once. While anything waits, what comes waits behind it.
class Fallback {
 public:
    /// Writes the command's rows; inside a transaction, and again from the start should that be rolled back.
    using Apply = std::function<Task<Result<void>>(Session&, JournalRecord)>;
    /// Work on a session, and again from the start.
    using Direct = std::function<Task<Result<void>>(Session&)>;
    /// Writes a payload, should it be journalled.
    using Payload = std::function<std::string()>;
    /// What a record does that is applied a second time: its commit was in doubt, or we were killed behind it.
    enum class Again : std::uint8_t {
        is_refused,   ///< the database remembers its id for a day
        is_harmless,  ///< its Apply sees for itself what is there already
    };
    /// Told of a record that the database refused when it came from the journal, which keeps the record until this is over:
    /// who is killed in between is told again.
    using Rejected = std::function<Task<>(JournalRecord, Error)>;

    Fallback(Database& database, std::unique_ptr<Journal> journal, telemetry::Registry& registry,
             telemetry::Log& log);

    /// Before the first submit().
    /// @param first  comes before all else in a transaction that applies such a record: takes a lock, for one
    void on(std::string kind, Apply apply, Direct first = {}, Again again = Again::is_refused);
    void on_rejected(Rejected rejected) { rejected_ = std::move(rejected); }

    /// A database that has not answered by then counts as away.
    static constexpr seconds patience{2};

    /// Resumes when the write is in the database or in the journal, on disk either way.
    /// @return the database's own refusals when it is there (`conflict`, `invalid_argument`); the journal's when it is not
    [[nodiscard]] Task<Result<void>> submit(Command command, SystemTime now);
    /// For who has the rows at hand.
    /// @param direct  does what the kind's Apply would do with the payload
    [[nodiscard]] Task<Result<void>> submit(std::string kind, SystemTime now, Direct direct,
                                            Payload payload);

    /// Into the journal at once: for who has asked the database already.
    [[nodiscard]] Task<Result<void>> keep(Command command, SystemTime now);
    /// How many of a kind wait in the journal.
    [[nodiscard]] std::uint64_t waiting(std::string_view kind) const;

    /// Brings what waits into the database until nothing does or it is away again: call it every second or so, from one
    /// place. A record that the database refuses goes to `journal_rejects`, is told, and blocks nobody.
    /// @return how many were brought
    [[nodiscard]] Task<Result<std::size_t>> replay(SystemTime now);

    [[nodiscard]] Journal::Backlog backlog() const { return journal_->backlog(); }
    /// Shows what waits, in order, whatever its kind. Reads the disk.
    [[nodiscard]] Result<void> each_waiting(
        const std::function<void(const JournalRecord&)>& show) const;

 private:
    [[nodiscard]] Task<Result<void>> submit_record(JournalRecord record, Direct direct,
                                                   Payload payload);
    [[nodiscard]] Task<Result<void>> apply(JournalRecord record, SystemTime now, Direct direct);
    [[nodiscard]] Task<Result<void>> apply_all(std::vector<JournalRecord> records, SystemTime now);
    [[nodiscard]] Task<Result<void>> apply_each(Session& session,
                                                std::vector<JournalRecord> records, SystemTime now);
    [[nodiscard]] Task<Result<void>> apply_one(Session& session, JournalRecord record,
                                               SystemTime now, Direct direct);
    [[nodiscard]] Task<Result<void>> begin(Session& session,
                                           const std::set<std::string_view>& kinds);
    [[nodiscard]] Task<Result<void>> apply_within(Session& session, JournalRecord record,
                                                  SystemTime now, Direct direct);
    struct Taken {
        std::size_t all = 0;      ///< off the journal
        std::size_t applied = 0;  ///< the others were refused
    };
    [[nodiscard]] Task<Result<Taken>> replay_some(std::vector<JournalRecord> records,
                                                  SystemTime now);
    [[nodiscard]] Task<Result<void>> append(JournalRecord record);
    void count(const std::string& kind, std::int64_t records);
    [[nodiscard]] Task<Result<void>> reject(JournalRecord record, Error why, SystemTime now);

    Database& database_;
    std::unique_ptr<Journal> journal_;
    telemetry::Log& log_;
    struct Kind {
        Apply apply;
        Direct first;
        Again again;
    };
    std::map<std::string, Kind, std::less<>> kinds_;
    mutable std::mutex waiting_mutex_;
    std::map<std::string, std::int64_t, std::less<>> waiting_;
    Rejected rejected_;
    telemetry::Counter& journalled_;
    telemetry::Counter& replayed_;
    telemetry::Counter& rejects_;
    std::atomic<bool> away_{false};
    SystemTime clean_at_;  // replay()'s
};

}  // namespace gh::storage
