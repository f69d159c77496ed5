#include "storage/fallback.hpp"

#include <utility>

#include "base/id.hpp"
#include "net/within.hpp"

namespace gh::storage {
namespace {

constexpr std::size_t batch_records = 256;

constexpr Statement insert_applied{
    .name = "journal.applied",
    .sql =
        "INSERT INTO journal_applied (id, applied_at) VALUES ($1, $2) "
        "ON CONFLICT (id) DO NOTHING"};
constexpr Statement insert_reject{
    .name = "journal.reject",
    .sql =
        "INSERT INTO journal_rejects (id, kind, at, payload, reason, detail, rejected_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"};

constexpr Statement delete_applied{.name = "journal.clean",
                                   .sql = "DELETE FROM journal_applied WHERE applied_at < $1"};

// Of ids that were applied. While something waits nothing is forgotten, so it need only outlast a commit in doubt.
constexpr auto remembered_for = std::chrono::hours(24);
constexpr auto clean_every = std::chrono::minutes(10);

}  // namespace

bool is_away(const Error& error) {
    return error.kind == ErrorKind::unavailable || error.kind == ErrorKind::deadline_exceeded ||
           error.kind == ErrorKind::exhausted;
}

Fallback::Fallback(Database& database, std::unique_ptr<Journal> journal,
                   telemetry::Registry& registry, telemetry::Log& log)
    : database_(database),
      journal_(std::move(journal)),
      log_(log),
      journalled_(registry.one_counter("database_journal_records_total",
                                       "Writes that went to the fallback journal.")),
      replayed_(registry.one_counter("database_journal_replayed_total",
                                     "Writes brought from the journal into the database.")),
      rejects_(registry.one_counter("database_journal_rejected_total",
                                    "Journalled writes that the database refused.")) {
    // What cannot be read is told by replay().
    (void)journal_->each([this](const JournalRecord& record) {
        count(record.kind, 1);
        return true;
    });
    using telemetry::MetricType;
    registry.collect({.name = "database_journal_backlog",
                      .help = "Writes in the journal that the database does not have yet.",
                      .labels = {}},
                     MetricType::gauge, [this](telemetry::Samples& samples) {
                         samples.add(static_cast<double>(backlog().records));
                     });
    registry.collect(
        {.name = "database_journal_oldest_timestamp_seconds",
         .help = "When the oldest of them was asked for; 0 without any.",
         .labels = {}},
        MetricType::gauge, [this](telemetry::Samples& samples) {
            const auto oldest = backlog().oldest;
            samples.add(oldest ? static_cast<double>(microseconds_of(*oldest)) / 1e6 : 0.0);
        });
}

void Fallback::on(std::string kind, Apply apply, Direct first, Again again) {
    kinds_[std::move(kind)] = {std::move(apply), std::move(first), again};
}

Task<Result<void>> Fallback::submit(Command command, SystemTime now) {
    JournalRecord record{.id = std::string(view(uuid_v7(now))),
                         .kind = std::move(command.kind),
                         .at = now,
                         .payload = std::move(command.payload)};
    co_return co_await submit_record(std::move(record), {}, {});
}

Task<Result<void>> Fallback::submit(std::string kind, SystemTime now, Direct direct,
                                    Payload payload) {
    JournalRecord record{
        .id = std::string(view(uuid_v7(now))), .kind = std::move(kind), .at = now, .payload = {}};
    co_return co_await submit_record(std::move(record), std::move(direct), std::move(payload));
}

Task<Result<void>> Fallback::submit_record(JournalRecord record, Direct direct, Payload payload) {
    if (journal_->backlog().records == 0) {
        // Late, it may come to pass all the same: the record's id lets it happen once.
        auto applied = apply(record, record.at, std::move(direct));
        auto done = co_await net::within(patience, "storage.patience", std::move(applied));
        if (done || !is_away(done.error())) co_return done;
        if (!away_.exchange(true))
            log_.warning("storage", "the database is away, writes go to the journal")
                .error(done.error());
    }
    if (payload) record.payload = payload();
    co_return co_await append(std::move(record));
}

Task<Result<void>> Fallback::keep(Command command, SystemTime now) {
    JournalRecord record{.id = std::string(view(uuid_v7(now))),
                         .kind = std::move(command.kind),
                         .at = now,
                         .payload = std::move(command.payload)};
    co_return co_await append(std::move(record));
}

Task<Result<void>> Fallback::append(JournalRecord record) {
    const auto kind = record.kind;
    count(kind, 1);  // before replay() can see it
    auto done = co_await journal_->append(std::move(record));
    if (done) {
        journalled_.add();
    } else {
        count(kind, -1);
    }
    co_return done;
}

void Fallback::count(const std::string& kind, std::int64_t records) {
    const std::scoped_lock lock(waiting_mutex_);
    waiting_[kind] += records;
}

std::uint64_t Fallback::waiting(std::string_view kind) const {
    const std::scoped_lock lock(waiting_mutex_);
    const auto found = waiting_.find(kind);
    return found == waiting_.end()
               ? 0
               : static_cast<std::uint64_t>(std::max<std::int64_t>(found->second, 0));
}

Task<Result<void>> Fallback::apply_within(Session& session, JournalRecord record, SystemTime now,
                                          Direct direct) {
    const auto kind = kinds_.find(record.kind);
    if (kind == kinds_.end())
        co_return fail(ErrorKind::internal, "journal.kind", "nobody applies " + record.kind);
    if (kind->second.again == Again::is_refused) {
        GH_CO_TRY(const auto is_new, co_await session.execute(insert_applied, record.id, now));
        if (is_new == 0) co_return Result<void>{};  // it has been here before
    }
    if (direct) co_return co_await direct(session);
    co_return co_await kind->second.apply(session, std::move(record));
}

Task<Result<void>> Fallback::begin(Session& session, const std::set<std::string_view>& kinds) {
    for (const auto name : kinds) {
        const auto kind = kinds_.find(name);
        if (kind == kinds_.end() || !kind->second.first) continue;
        GH_CO_TRY_VOID(co_await kind->second.first(session));
    }
    co_return Result<void>{};
}

Task<Result<void>> Fallback::apply_one(Session& session, JournalRecord record, SystemTime now,
                                       Direct direct) {
    const std::set<std::string_view> kinds{record.kind};
    GH_CO_TRY_VOID(co_await begin(session, kinds));
    co_return co_await apply_within(session, std::move(record), now, std::move(direct));
}

Task<Result<void>> Fallback::apply(JournalRecord record, SystemTime now, Direct direct) {
    auto work = [this, record = std::move(record), now, direct = std::move(direct)](
                    Session& session) { return apply_one(session, record, now, direct); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> Fallback::apply_all(std::vector<JournalRecord> records, SystemTime now) {
    auto work = [this, records = std::move(records), now](Session& session) {
        return apply_each(session, records, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> Fallback::apply_each(Session& session, std::vector<JournalRecord> records,
                                        SystemTime now) {
    std::set<std::string_view> kinds;
    for (const auto& record : records) kinds.insert(record.kind);
    GH_CO_TRY_VOID(co_await begin(session, kinds));
    Direct none;
    for (auto& record : records)
        GH_CO_TRY_VOID(co_await apply_within(session, std::move(record), now, none));
    co_return Result<void>{};
}

Task<Result<void>> Fallback::reject(JournalRecord record, Error why, SystemTime now) {
    rejects_.add();
    log_.error("storage", "the database refused a journalled write, it is kept in journal_rejects")
        .field("kind", record.kind)
        .field("id", record.id)
        .error(why);
    if (rejected_) {
        auto told = rejected_(record, why);
        co_await std::move(told);
    }
    GH_CO_TRY_VOID(co_await database_.query(insert_reject, record.id, record.kind, record.at,
                                            record.payload, why.reason, why.detail, now));
    co_return Result<void>{};
}

Task<Result<Fallback::Taken>> Fallback::replay_some(std::vector<JournalRecord> records,
                                                    SystemTime now) {
    std::vector<std::string> kinds;
    for (const auto& record : records) kinds.push_back(record.kind);
    // One commit for all; when one of them is refused, each for itself.
    auto together = co_await apply_all(records, now);
    if (!together && is_away(together.error())) co_return Taken{};
    Taken taken;
    if (together) {
        taken = {.all = records.size(), .applied = records.size()};
        replayed_.add(taken.applied);
    }
    for (std::size_t i = taken.all; i < records.size(); ++i) {
        auto& record = records[i];
        Direct none;
        auto done = co_await apply(record, now, std::move(none));
        if (!done && is_away(done.error())) break;
        if (done) {
            replayed_.add();
            ++taken.applied;
        } else if (auto kept = co_await reject(record, done.error(), now); !kept) {
            break;
        }
        ++taken.all;
    }
    if (taken.all > 0) GH_CO_TRY_VOID(journal_->release(records[taken.all - 1].sequence));
    for (std::size_t i = 0; i < taken.all; ++i) count(kinds[i], -1);
    co_return taken;
}

Result<void> Fallback::each_waiting(const std::function<void(const JournalRecord&)>& show) const {
    return journal_->each([&show](const JournalRecord& record) {
        show(record);
        return true;
    });
}

Task<Result<std::size_t>> Fallback::replay(SystemTime now) {
    std::size_t brought = 0;
    for (;;) {
        GH_CO_TRY(auto records, journal_->oldest(batch_records));
        if (records.empty()) break;
        const auto asked = records.size();
        GH_CO_TRY(const auto some, co_await replay_some(std::move(records), now));
        brought += some.applied;
        if (some.all < asked) co_return brought;  // it is away again
    }
    if (away_.exchange(false))
        log_.info("storage", "the database is back, the journal is empty")
            .field("replayed", brought);
    if (now >= clean_at_) {
        clean_at_ = now + clean_every;
        GH_CO_TRY_VOID(co_await database_.query(delete_applied, now - remembered_for));
    }
    co_return brought;
}

}  // namespace gh::storage
