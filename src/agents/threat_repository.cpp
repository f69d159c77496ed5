#include "agents/threat_repository.hpp"

#include <algorithm>

#include "base/id.hpp"
#include "base/try.hpp"
#include "storage/joined.hpp"

namespace gh::agents {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "threats.create",
    .sql =
        "INSERT INTO threats (id, agent_id, threat_type, severity, status, fingerprint, details, "
        "detected_at, last_seen_at, updated_at) VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $7, "
        "$7)"};
constexpr std::string_view columns =
    "SELECT id, agent_id, threat_type, severity, status, fingerprint, details, notes, reports, "
    "detected_at, last_seen_at, version, updated_at FROM threats WHERE ";
constexpr std::string_view by_id = "id = $1";
constexpr Statement select_one{.name = "threats.find", .sql = storage::joined<columns, by_id>};
constexpr std::string_view by_agent = "agent_id = $4 AND ";
constexpr std::string_view by_gateway = "agent_id IS NULL AND ";
constexpr std::string_view same =
    "threat_type = $1 AND fingerprint = $2 AND last_seen_at >= $3 "
    "AND status IN ('open', 'acknowledged') ORDER BY last_seen_at DESC LIMIT 1";
constexpr Statement select_same{.name = "threats.same",
                                .sql = storage::joined<columns, by_agent, same>};
constexpr Statement select_same_of_gateway{.name = "threats.same",
                                           .sql = storage::joined<columns, by_gateway, same>};
constexpr Statement count_open{
    .name = "threats.count_open",
    .sql =
        "SELECT count(*) FROM (SELECT 1 FROM threats WHERE agent_id = $1 AND status = 'open' "
        "LIMIT $2) AS found"};
constexpr Statement update_seen{
    .name = "threats.see",
    .sql =
        "UPDATE threats SET reports = reports + 1, last_seen_at = $2, severity = $3, "
        "version = version + 1, updated_at = $2 WHERE id = $1"};
constexpr Statement update{
    .name = "threats.change",
    .sql =
        "UPDATE threats SET status = $2, notes = $3, version = version + 1, updated_at = $4 "
        "WHERE id = $1"};
constexpr Statement delete_one{.name = "threats.remove",
                               .sql = "DELETE FROM threats WHERE id = $1"};

// The pages of a list: behind $1, $2, be it before the first of all.
constexpr std::string_view all;
constexpr std::string_view of_agent = "agent_id = $6 AND ";
constexpr std::string_view of_status = "status = $6 AND ";
constexpr std::string_view of_both = "agent_id = $6 AND status = $7 AND ";
constexpr std::string_view newest =
    "severity >= $5 AND (detected_at, id) < ($1, $2) "
    "ORDER BY detected_at DESC, id DESC LIMIT $3 OFFSET $4";
constexpr std::string_view oldest =
    "severity >= $5 AND (detected_at, id) > ($1, $2) "
    "ORDER BY detected_at, id LIMIT $3 OFFSET $4";
template <const std::string_view& which, const std::string_view& order>
constexpr Statement page_of{.name = "threats.list", .sql = storage::joined<columns, which, order>};

template <const std::string_view& order>
const Statement& statement_of(const ThreatPage& page) {
    if (page.agent_id) return page.status ? page_of<of_both, order> : page_of<of_agent, order>;
    return page.status ? page_of<of_status, order> : page_of<all, order>;
}

Threat threat_of(const storage::Row& row) {
    return {.id = row.text(0),
            .agent_id = row.optional_text(1),
            .type = row.text(2),
            .severity = static_cast<Severity>(std::clamp<std::int64_t>(row.integer(3), 0, 4)),
            .status = threat_status_of(row.text(4)).value_or(ThreatStatus::open),
            .fingerprint = row.text(5),
            .details = row.text(6),
            .notes = row.text(7),
            .reports = row.integer(8),
            .detected_at = row.time(9),
            .last_seen_at = row.time(10),
            .version = row.integer(11),
            .updated_at = row.time(12)};
}

Task<Result<Threat>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "threat.unknown");
    co_return threat_of(*row);
}

Task<Result<Threat>> put_change(Session& session, std::string id, ThreatChange change,
                                SystemTime now) {
    GH_CO_TRY(const auto before, co_await read(session, id));
    if (change.expected_version && *change.expected_version != before.version)
        co_return fail(ErrorKind::conflict, "threat.changed");
    const auto to = change.status.value_or(before.status);
    if (to != before.status && !may_become(before.status, to))
        co_return fail(ErrorKind::conflict, "threat.status");
    GH_CO_TRY_VOID(co_await session.execute(update, id, name_of(to),
                                            change.notes.value_or(before.notes), now));
    co_return co_await read(session, std::move(id));
}

Task<Result<Threat>> take_away(Session& session, std::string id) {
    GH_CO_TRY(auto threat, co_await read(session, id));
    GH_CO_TRY_VOID(co_await session.execute(delete_one, std::move(id)));
    co_return threat;
}

}  // namespace

Task<Result<Reported>> ThreatRepository::put(Session& session, Report report, SystemTime now,
                                             seconds window) {
    storage::Parameters which{storage::to_value(report.type), storage::to_value(report.fingerprint),
                              storage::to_value(now - window)};
    if (report.agent_id) which.push_back(storage::to_value(*report.agent_id));
    const auto& sought = report.agent_id ? select_same : select_same_of_gateway;
    GH_CO_TRY(const auto rows, co_await session.run(sought, std::move(which)));
    const storage::MaybeRow known(rows);
    if (!known) {
        if (report.agent_id) {
            GH_CO_TRY(const auto open,
                      co_await session.query(count_open, *report.agent_id, open_max));
            if (open[0].integer(0) >= open_max) co_return fail(ErrorKind::conflict, "threat.many");
        }
        const std::string id(view(uuid_v7(now)));
        GH_CO_TRY_VOID(co_await session.execute(insert, id, report.agent_id, report.type,
                                                static_cast<std::int64_t>(report.severity),
                                                report.fingerprint, report.details, now));
        GH_CO_TRY(auto made, co_await read(session, id));
        co_return Reported{.threat = std::move(made), .is_new = true};
    }
    const auto before = threat_of(*known);
    const auto severity = static_cast<std::int64_t>(std::max(before.severity, report.severity));
    const auto seen = std::max(before.last_seen_at, now);
    GH_CO_TRY_VOID(co_await session.execute(update_seen, before.id, seen, severity));
    GH_CO_TRY(auto after, co_await read(session, before.id));
    co_return Reported{.threat = std::move(after), .is_new = false};
}

Task<Result<Reported>> ThreatRepository::report(Report report, SystemTime now, seconds window,
                                                storage::Also<Reported> also) {
    auto work = [report = std::move(report), now, window,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, report, now, window), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Threat>> ThreatRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<Threat>>> ThreatRepository::list(ThreatPage page) {
    const auto edge = page.oldest_first ? SystemTime::min() : SystemTime::max();
    auto [time, id] = std::move(page.after).value_or(std::pair(edge, std::string()));
    storage::Parameters parameters{storage::to_value(time), storage::to_value(std::move(id)),
                                   storage::to_value(page.limit), storage::to_value(page.offset),
                                   static_cast<std::int64_t>(page.min_severity)};
    if (page.agent_id) parameters.push_back(storage::to_value(*page.agent_id));
    if (page.status) parameters.push_back(storage::to_value(name_of(*page.status)));
    const auto& statement =
        page.oldest_first ? statement_of<oldest>(page) : statement_of<newest>(page);
    GH_CO_TRY(const auto rows, co_await database_.run_one(statement, std::move(parameters)));
    std::vector<Threat> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(threat_of(rows[i]));
    co_return found;
}

Task<Result<Threat>> ThreatRepository::change(std::string id, ThreatChange change, SystemTime now,
                                              storage::Also<Threat> also) {
    auto work = [id = std::move(id), change = std::move(change), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_change(session, id, change, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Threat>> ThreatRepository::remove(std::string id, storage::Also<Threat> also) {
    auto work = [id = std::move(id), also = std::move(also)](Session& session) {
        return storage::with_also(session, take_away(session, id), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::agents
