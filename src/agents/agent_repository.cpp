#include "agents/agent_repository.hpp"

#include <utility>

#include "agents/agent_rows.hpp"
#include "base/try.hpp"
#include "storage/joined.hpp"

namespace gh::agents {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement insert{
    .name = "agents.create",
    .sql =
        "INSERT INTO agents (id, hostname, ip_address, labels, capabilities, agent_version, "
        "status, enrolment, created_by, created_at, updated_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, $8, $9, $9)"};
constexpr Statement insert_label{
    .name = "agent_labels.create",
    .sql = "INSERT INTO agent_labels (name, value, agent_id) VALUES ($1, $2, $3)"};
constexpr Statement delete_labels{.name = "agent_labels.remove",
                                  .sql = "DELETE FROM agent_labels WHERE agent_id = $1"};
constexpr std::string_view by_hostname = "hostname = $1 AND status <> 'retired'";
constexpr Statement select_by_hostname{.name = "agents.find_by_hostname",
                                       .sql = storage::joined<agent_columns, by_hostname>};
constexpr std::string_view by_enrolment = "enrolment = $1";
constexpr Statement select_by_enrolment{.name = "agents.find_by_enrolment",
                                        .sql = storage::joined<agent_columns, by_enrolment>};
constexpr Statement update{
    .name = "agents.change",
    .sql =
        "UPDATE agents SET ip_address = $2, labels = $3, capabilities = $4, agent_version = $5, "
        "status = $6, heard = 0, version = version + 1, updated_at = $7 WHERE id = $1"};
constexpr Statement update_enrolment{
    .name = "agents.announce",
    .sql =
        "UPDATE agents SET enrolment = $2, version = version + 1, updated_at = $3 WHERE id = $1"};
constexpr Statement update_arrived{
    .name = "agents.arrive",
    .sql =
        "UPDATE agents SET ip_address = $2, agent_version = $3, capabilities = $4, "
        "status = 'online', heard = 0, last_heartbeat_at = $5, version = version + 1, updated_at = "
        "$5 "
        "WHERE id = $1"};
constexpr Statement update_beat{
    .name = "agents.beat",
    .sql =
        "UPDATE agents SET heard = 1, "
        "status = CASE WHEN status = 'offline' OR last_heartbeat_at > $2 THEN status ELSE $3 END, "
        "last_heartbeat_at = CASE WHEN last_heartbeat_at > $2 THEN last_heartbeat_at ELSE $2 END "
        "WHERE id = $1 AND status IN ('online', 'degraded', 'offline')"};
constexpr Statement select_silent{
    .name = "agents.silent",
    .sql =
        "SELECT id, hostname, status FROM agents WHERE status IN ('online', 'degraded') "
        "AND last_heartbeat_at < $1 LIMIT $2"};
constexpr Statement select_back{
    .name = "agents.back",
    .sql =
        "SELECT id, hostname, status FROM agents WHERE status = 'offline' AND heard = 1 "
        "ORDER BY id LIMIT $1"};
constexpr Statement update_status{
    .name = "agents.move",
    .sql =
        "UPDATE agents SET status = $2, heard = 0, version = version + 1, updated_at = $3 "
        "WHERE id = $1"};
constexpr Statement select_active{
    .name = "agents.active",
    .sql =
        "SELECT id, status, hostname FROM agents WHERE status IN ('online', 'degraded') "
        "ORDER BY id LIMIT $1"};
constexpr Statement count_each{.name = "agents.count",
                               .sql = "SELECT count(*) FROM agents WHERE status = $1"};

Task<Result<void>> put_labels(Session& session, std::string id, Labels labels) {
    for (const auto& [name, value] : labels)
        GH_CO_TRY_VOID(co_await session.execute(insert_label, name, value, id));
    co_return Result<void>{};
}

Task<Result<Agent>> put(Session& session, Agent agent) {
    GH_CO_TRY_VOID(co_await session.execute(insert, agent.id, agent.hostname, agent.ip_address,
                                            text_of_labels(agent.labels),
                                            text_of_words(agent.capabilities), agent.agent_version,
                                            agent.enrolment, agent.created_by, agent.created_at));
    GH_CO_TRY_VOID(co_await put_labels(session, agent.id, agent.labels));
    co_return co_await read_agent(session, agent.id);
}

Result<void> judge(const Agent& agent, const AgentChange& change) {
    if (change.expected_version && *change.expected_version != agent.version)
        return fail(ErrorKind::conflict, "agent.changed");
    const auto to = change.status.value_or(agent.status);
    if (agent.status == Status::retired) return fail(ErrorKind::conflict, "agent.retired");
    const bool steps = to != agent.status;
    const bool comes = agent.status == Status::pending && to == Status::online;
    if (steps && (comes || !may_move(agent.status, to)))
        return fail(ErrorKind::conflict, "agent.status");
    return {};
}

Task<Result<Agent>> put_change(Session& session, std::string id, AgentChange change,
                               SystemTime now) {
    GH_CO_TRY(auto agent, co_await read_agent(session, id));
    GH_CO_TRY_VOID(judge(agent, change));
    if (change.labels) {
        GH_CO_TRY_VOID(co_await session.execute(delete_labels, id));
        GH_CO_TRY_VOID(co_await put_labels(session, id, *change.labels));
        agent.labels = *change.labels;
    }
    GH_CO_TRY_VOID(co_await session.execute(
        update, id, change.ip_address.value_or(agent.ip_address), text_of_labels(agent.labels),
        text_of_words(change.capabilities.value_or(agent.capabilities)),
        change.agent_version.value_or(agent.agent_version),
        name_of(change.status.value_or(agent.status)), now));
    co_return co_await read_agent(session, id);
}

Task<Result<Agent>> put_enrolment(Session& session, std::string id, std::string before,
                                  std::string enrolment, SystemTime now) {
    GH_CO_TRY(const auto agent, co_await read_agent(session, id));
    if (agent.status == Status::retired) co_return fail(ErrorKind::conflict, "agent.retired");
    if (is_shut_out(agent.status)) co_return fail(ErrorKind::conflict, "agent.status");
    if (agent.enrolment != before) co_return fail(ErrorKind::conflict, "agent.changed");
    GH_CO_TRY_VOID(co_await session.execute(update_enrolment, id, enrolment, now));
    co_return co_await read_agent(session, id);
}

/// @param limits  the parameters of `select` before its limit
Task<Result<std::vector<Moved>>> move_each(Session& session, const Statement& select,
                                           storage::Parameters limits, Status to, SystemTime now) {
    limits.push_back(storage::to_value(std::int64_t{AgentRepository::moved_at_once}));
    GH_CO_TRY(const auto rows, co_await session.run(select, std::move(limits)));
    std::vector<Moved> moved;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        moved.push_back({.id = rows[i].text(0),
                         .hostname = rows[i].text(1),
                         .from = status_of(rows[i].text(2)).value_or(to),
                         .to = to});
        GH_CO_TRY_VOID(co_await session.execute(update_status, moved.back().id, name_of(to), now));
    }
    co_return moved;
}

Task<Result<std::vector<Moved>>> move_some(storage::Database& database, const Statement& select,
                                           storage::Parameters limits, Status to, SystemTime now,
                                           storage::Also<std::vector<Moved>> also) {
    // Nearly always nobody: no writer stands in line for that.
    auto one = limits;
    one.push_back(storage::to_value(std::int64_t{1}));
    GH_CO_TRY(const auto some, co_await database.run_one(select, std::move(one)));
    if (some.empty()) co_return std::vector<Moved>{};
    auto work = [&select, limits = std::move(limits), to, now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, move_each(session, select, limits, to, now), also);
    };
    co_return co_await database.write(std::move(work));
}

/// What the database says of a name that is taken, in words of this room.
Result<Agent> named(Result<Agent> done) {
    if (!done && done.error().reason == "storage.unique")
        return fail(ErrorKind::conflict, "agent.hostname_taken");
    return done;
}

}  // namespace

Task<Result<Agent>> AgentRepository::add(Agent agent, storage::Also<Agent> also) {
    auto work = [agent = std::move(agent), also = std::move(also)](Session& session) {
        return storage::with_also(session, put(session, agent), also);
    };
    co_return named(co_await database_.write(std::move(work)));
}

Task<Result<Agent>> AgentRepository::find(std::string id) {
    auto work = [id = std::move(id)](Session& session) { return read_agent(session, id); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<Agent>> AgentRepository::find_by_hostname(std::string hostname) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_by_hostname, std::move(hostname)));
    if (rows.empty()) co_return fail(ErrorKind::not_found, "agent.unknown");
    co_return agent_of(rows[0]);
}

Task<Result<Agent>> AgentRepository::change(std::string id, AgentChange change, SystemTime now,
                                            storage::Also<Agent> also) {
    auto work = [id = std::move(id), change = std::move(change), now,
                 also = std::move(also)](Session& session) {
        return storage::with_also(session, put_change(session, id, change, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Agent>> AgentRepository::announce(std::string id, std::string before,
                                              std::string enrolment, SystemTime now,
                                              storage::Also<Agent> also) {
    auto work = [id = std::move(id), before = std::move(before), enrolment = std::move(enrolment),
                 now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put_enrolment(session, id, before, enrolment, now),
                                  also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Agent>> AgentRepository::arrive(Session& session, std::string enrolment,
                                            Arrival arrival, SystemTime now) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_by_enrolment, enrolment));
    if (!row) co_return fail(ErrorKind::permission_denied, "agent.not_awaited");
    const auto agent = agent_of(*row);
    if (is_shut_out(agent.status))
        co_return fail(ErrorKind::permission_denied, "agent.not_awaited");
    const auto& version =
        arrival.agent_version.empty() ? agent.agent_version : arrival.agent_version;
    GH_CO_TRY_VOID(co_await session.execute(
        update_arrived, agent.id, arrival.ip_address, version,
        text_of_words(arrival.capabilities.value_or(agent.capabilities)), now));
    co_return co_await read_agent(session, agent.id);
}

Task<Result<void>> AgentRepository::beat(std::vector<Beat> beats) {
    if (beats.empty()) co_return Result<void>{};
    auto work = [beats = std::move(beats)](Session& session) -> Task<Result<void>> {
        std::vector<storage::Parameters> sets;
        sets.reserve(beats.size());
        for (const auto& beat : beats) {
            sets.push_back(
                {storage::to_value(beat.agent_id), storage::to_value(beat.at),
                 storage::to_value(name_of(beat.well ? Status::online : Status::degraded))});
        }
        GH_CO_TRY_VOID(co_await session.execute_many(update_beat, std::move(sets)));
        co_return Result<void>{};
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<Moved>>> AgentRepository::end_silent(
    SystemTime since, SystemTime now, storage::Also<std::vector<Moved>> also) {
    return move_some(database_, select_silent, {storage::to_value(since)}, Status::offline, now,
                     std::move(also));
}

Task<Result<std::vector<Moved>>> AgentRepository::welcome_back(
    SystemTime now, storage::Also<std::vector<Moved>> also) {
    return move_some(database_, select_back, {}, Status::online, now, std::move(also));
}

Task<Result<AgentRepository::Counts>> AgentRepository::count() {
    Counts counts{};
    for (const auto status : statuses) {
        GH_CO_TRY(const auto rows, co_await database_.query(count_each, name_of(status)));
        counts[static_cast<std::size_t>(status)] = rows[0].integer(0);
    }
    co_return counts;
}

Task<Result<std::vector<ActiveAgent>>> AgentRepository::active(std::size_t limit) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_active, limit));
    std::vector<ActiveAgent> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
        found.push_back({.id = rows[i].text(0),
                         .hostname = rows[i].text(2),
                         .status = status_of(rows[i].text(1)).value_or(Status::online)});
    co_return found;
}

}  // namespace gh::agents
