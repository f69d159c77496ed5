#include <algorithm>
#include <map>
#include <utility>

#include "base/try.hpp"
#include "vault/rotation/repository.hpp"
#include "vault/rotation/rows.hpp"

// What was tried, who reads, and how all of them stand.

namespace gh::vault::rotation {
namespace {

using storage::Also;
using storage::Session;
using storage::Statement;

constexpr Statement select_runs{
    .name = "rotations.runs",
    .sql =
        "SELECT id, kind, state, attempt, version, reason, detail, started_at, ended_at, next_at "
        "FROM secret_rotation_runs WHERE path = $1 AND id < $2 ORDER BY id DESC LIMIT $3"};
constexpr Statement select_consumers{
    .name = "rotations.consumers",
    .sql =
        "SELECT consumer, version, used_at FROM secret_consumers WHERE path = $1 "
        "ORDER BY consumer LIMIT $2"};
constexpr Statement delete_consumer{
    .name = "rotations.forget_consumer",
    .sql = "DELETE FROM secret_consumers WHERE path = $1 AND consumer = $2"};
// Where as many are known as are kept, those that hold nothing any more make room.
constexpr Statement clear_uses{
    .name = "rotations.clear_uses",
    .sql =
        "DELETE FROM secret_consumers WHERE path = $1 AND used_at < $2 AND "
        "(SELECT count(*) FROM secret_consumers WHERE path = $1) >= $3"};
// Whoever reads an old version again has moved all the same. One more than are kept is not taken in; those that are known are written always.
constexpr Statement put_use{
    .name = "rotations.note_use",
    .sql =
        "INSERT INTO secret_consumers (path, consumer, version, used_at) "
        "SELECT path, $2, $3, $4 FROM secret_rotations WHERE path = $1 AND ("
        "EXISTS (SELECT 1 FROM secret_consumers WHERE path = $1 AND consumer = $2) OR "
        "(SELECT count(*) FROM secret_consumers WHERE path = $1) < $5) "
        "ON CONFLICT (path, consumer) DO UPDATE SET "
        "version = max(secret_consumers.version, excluded.version), "
        "used_at = excluded.used_at WHERE secret_consumers.used_at <= excluded.used_at",
    .postgres =
        "INSERT INTO secret_consumers (path, consumer, version, used_at) "
        "SELECT path, $2::text, $3::bigint, $4::bigint FROM secret_rotations "
        "WHERE path = $1 AND ("
        "EXISTS (SELECT 1 FROM secret_consumers WHERE path = $1 AND consumer = $2::text) OR "
        "(SELECT count(*) FROM secret_consumers WHERE path = $1) < $5::bigint) "
        "ON CONFLICT (path, consumer) DO UPDATE SET "
        "version = greatest(secret_consumers.version, excluded.version), "
        "used_at = excluded.used_at WHERE secret_consumers.used_at <= excluded.used_at"};
constexpr Statement select_overview{
    .name = "rotations.overview",
    .sql =
        "SELECT count(*), count(CASE WHEN due_at <= $1 THEN 1 END), "
        "count(CASE WHEN state = 'held' THEN 1 END), count(CASE WHEN failures > 0 THEN 1 END), "
        "max(rotated_at) FROM secret_rotations"};

RunKind kind_named(std::string_view name) {
    for (const auto kind : {RunKind::hold, RunKind::retire, RunKind::roll_back}) {
        if (name_of(kind) == name) return kind;
    }
    return RunKind::rotate;
}

RunState run_state_named(std::string_view name) {
    for (const auto state : {RunState::running, RunState::succeeded, RunState::failed}) {
        if (name_of(state) == name) return state;
    }
    return RunState::interrupted;
}

Run run_of(const storage::Row& row) {
    Run run;
    run.id = row.text(0);
    run.kind = kind_named(row.text(1));
    run.state = run_state_named(row.text(2));
    run.attempt = static_cast<std::uint32_t>(row.integer(3));
    run.version = static_cast<std::uint64_t>(row.integer(4));
    run.reason = row.text(5);
    run.detail = row.text(6);
    run.started_at = row.time(7);
    run.ended_at = row.optional_time(8);
    run.next_at = row.optional_time(9);
    return run;
}

Task<Result<std::vector<Run>>> find_runs(Session& session, std::string path, std::string before,
                                         std::size_t limit) {
    GH_CO_TRY_VOID(co_await find_stored(session, path));
    if (before.empty()) before = "~";  // behind every id
    GH_CO_TRY(const auto rows, co_await session.query(select_runs, path, before, limit));
    std::vector<Run> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(run_of(rows[i]));
    co_return found;
}

Task<Result<std::vector<Consumer>>> find_known_consumers(Session& session, std::string path) {
    GH_CO_TRY_VOID(co_await find_stored(session, path));
    co_return co_await find_consumers(session, std::move(path));
}

Task<Result<bool>> forget(Session& session, std::string path, std::string consumer) {
    GH_CO_TRY_VOID(co_await find_stored(session, path));
    GH_CO_TRY(const auto gone, co_await session.execute(delete_consumer, path, consumer));
    if (gone > 0) co_return true;
    co_return fail(ErrorKind::not_found, "rotation.consumer",
                   "no " + consumer + " was seen to read " + path);
}

Task<Result<void>> put_uses(Session& session, std::shared_ptr<const std::vector<Use>> uses) {
    std::vector<storage::Parameters> sets, full;
    sets.reserve(uses->size());
    std::map<std::string_view, SystemTime> last;
    for (const auto& use : *uses) last[use.path] = std::max(last[use.path], use.at);
    for (const auto& [path, at] : last)
        full.push_back(
            {std::string(path), storage::microseconds_of(at - consumer_seen_max), consumers_kept});
    GH_CO_TRY_VOID(co_await session.execute_many(clear_uses, std::move(full)));
    for (const auto& use : *uses)
        sets.push_back({use.path, use.consumer, static_cast<std::int64_t>(use.version),
                        storage::microseconds_of(use.at), consumers_kept});
    GH_CO_TRY_VOID(co_await session.execute_many(put_use, std::move(sets)));
    co_return Result<void>{};
}

}  // namespace

std::string_view name_of(RunKind kind) {
    switch (kind) {
        case RunKind::rotate: return "rotate";
        case RunKind::hold: return "hold";
        case RunKind::retire: return "retire";
        case RunKind::roll_back: return "roll_back";
    }
    std::unreachable();
}

std::string_view name_of(RunState state) {
    switch (state) {
        case RunState::running: return "running";
        case RunState::succeeded: return "succeeded";
        case RunState::failed: return "failed";
        case RunState::interrupted: return "interrupted";
    }
    std::unreachable();
}

Task<Result<std::vector<Consumer>>> find_consumers(Session& session, std::string path) {
    GH_CO_TRY(const auto rows, co_await session.query(select_consumers, path, consumers_kept));
    std::vector<Consumer> found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        found.push_back({.name = rows[i].text(0),
                         .version = static_cast<std::uint64_t>(rows[i].integer(1)),
                         .used_at = rows[i].time(2)});
    }
    co_return found;
}

Task<Result<std::vector<Run>>> Repository::runs(std::string path, std::string before,
                                                std::size_t limit) {
    auto work = [path = std::move(path), before = std::move(before), limit](Session& session) {
        return find_runs(session, path, before, limit);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Consumer>>> Repository::consumers(std::string path) {
    auto work = [path = std::move(path)](Session& session) {
        return find_known_consumers(session, path);
    };
    co_return co_await database_.read(std::move(work));
}

Task<Result<void>> Repository::forget_consumer(std::string path, std::string consumer,
                                               Also<bool> also) {
    auto work = [path = std::move(path), consumer = std::move(consumer),
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, forget(session, path, consumer), also);
    };
    GH_CO_TRY_VOID(co_await database_.write(std::move(work)));
    co_return Result<void>{};
}

Task<Result<void>> Repository::note_uses(std::vector<Use> uses) {
    const auto shared = std::make_shared<const std::vector<Use>>(std::move(uses));
    auto work = [shared](Session& session) { return put_uses(session, shared); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Overview>> Repository::overview(SystemTime now) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_overview, now));
    Overview overview;
    overview.rotations = rows[0].integer(0);
    overview.overdue = rows[0].integer(1);
    overview.held = rows[0].integer(2);
    overview.failing = rows[0].integer(3);
    overview.last_success = rows[0].optional_time(4);
    co_return overview;
}

}  // namespace gh::vault::rotation
