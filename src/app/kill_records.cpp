#include "app/kill_records.hpp"

#include "base/try.hpp"
#include "codec/json.hpp"
#include "codec/json_writer.hpp"
#include "plan/clock.hpp"
#include "storage/joined.hpp"

namespace gh::app {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::string_view columns =
    "SELECT id, principal, reason, made_by, made_at, held, complete, duration_ms FROM kills WHERE ";
constexpr std::string_view by_id = "id = $1";
constexpr std::string_view behind = "(made_at, id) < ($1, $2) ";
constexpr std::string_view of_principal = "AND principal = $5 ";
constexpr std::string_view newest_first = "ORDER BY made_at DESC, id DESC LIMIT $3 OFFSET $4";
constexpr std::string_view unseen_since =
    "made_at > $1 AND NOT EXISTS (SELECT 1 FROM kill_sightings s WHERE s.kill_id = kills.id "
    "AND s.node = $2 AND s.seen_at IS NOT NULL "
    "AND ((s.open_after = 0 AND s.refused = 1) OR kills.made_at < $4)) "
    "ORDER BY made_at, id LIMIT $3";

constexpr Statement insert{.name = "kills.put",
                           .sql =
                               "INSERT INTO kills (id, principal, reason, made_by, made_at, held) "
                               "VALUES ($1, $2, $3, $4, $5, $6)"};
constexpr Statement update_outcome{
    .name = "kills.settle",
    .sql = "UPDATE kills SET held = $2, complete = $3, duration_ms = $4 WHERE id = $1"};
constexpr Statement select_one{.name = "kills.find", .sql = storage::joined<columns, by_id>};
constexpr Statement select_page{.name = "kills.list",
                                .sql = storage::joined<columns, behind, newest_first>};
constexpr Statement select_of_principal{
    .name = "kills.list_of_principal",
    .sql = storage::joined<columns, behind, of_principal, newest_first>};
constexpr Statement select_unseen{.name = "kills.unseen",
                                  .sql = storage::joined<columns, unseen_since>};

constexpr Statement insert_sighting{
    .name = "kill_sightings.put",
    .sql =
        "INSERT INTO kill_sightings (kill_id, node, open_before, open_after, refused, seen_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kill_id, node) DO UPDATE "
        "SET open_before = CASE WHEN kill_sightings.open_before > $3 "
        "THEN kill_sightings.open_before ELSE $3 END, "
        "open_after = $4, refused = $5, seen_at = $6 WHERE kill_sightings.seen_at IS NULL "
        "OR kill_sightings.open_after > 0 OR kill_sightings.refused = 0"};
constexpr Statement insert_awaited{
    .name = "kill_sightings.await",
    .sql =
        "INSERT INTO kill_sightings (kill_id, node) SELECT id, node FROM kills, kill_nodes "
        "WHERE id = $1 AND alive_at > $2"};
constexpr Statement select_sightings{
    .name = "kill_sightings.list",
    .sql =
        "SELECT s.node, s.open_before, s.open_after, s.refused, s.seen_at, n.alive_at "
        "FROM kill_sightings s LEFT JOIN kill_nodes n ON n.node = s.node "
        "WHERE s.kill_id = $1 ORDER BY s.node"};
constexpr Statement upsert_node{.name = "kill_nodes.alive",
                                .sql =
                                    "INSERT INTO kill_nodes (node, alive_at) VALUES ($1, $2) "
                                    "ON CONFLICT (node) DO UPDATE SET alive_at = $2"};
// From $1 to $2, but $3.
constexpr Statement delete_nodes{
    .name = "kill_nodes.leave",
    .sql = "DELETE FROM kill_nodes WHERE node >= $1 AND node < $2 AND node <> $3"};
constexpr Statement delete_gone{.name = "kill_nodes.clean",
                                .sql = "DELETE FROM kill_nodes WHERE alive_at < $1"};
constexpr Statement delete_given_up{
    .name = "kill_sightings.give_up",
    .sql =
        "DELETE FROM kill_sightings WHERE seen_at IS NULL AND NOT EXISTS "
        "(SELECT 1 FROM kill_nodes n WHERE n.node = kill_sightings.node)"};
constexpr Statement delete_awaited{
    .name = "kill_sightings.leave",
    .sql =
        "DELETE FROM kill_sightings WHERE node >= $1 AND node < $2 AND node <> $3 "
        "AND seen_at IS NULL"};
constexpr Statement update_left{
    .name = "kill_sightings.close",
    .sql =
        "UPDATE kill_sightings SET open_after = 0, refused = 1 WHERE node >= $1 AND node < $2 "
        "AND node <> $3 AND (open_after > 0 OR refused = 0)"};

std::string text_of(const std::vector<KillItem>& held) {
    std::string text;
    codec::json::Writer out(text);
    out.begin_array();
    for (const auto& item : held) {
        out.begin_object().name("plane").string(item.plane).name("kind").string(item.kind);
        out.name("ended").integer(item.ended).name("left").integer(item.left).end_object();
    }
    out.end_array();
    return text;
}

std::vector<KillItem> items_of(const std::string& text) {
    std::vector<KillItem> held;
    const auto read = codec::json::parse(text);
    const auto* items = read ? read->array() : nullptr;
    if (items == nullptr) return held;
    for (const auto& item : *items) {
        const auto* plane = item.find_string("plane");
        const auto* kind = item.find_string("kind");
        const auto* ended = item.find("ended");
        const auto* left = item.find("left");
        if (!plane || !kind || !ended || !left) continue;
        held.push_back({.plane = *plane,
                        .kind = *kind,
                        .ended = ended->integer().value_or(0),
                        .left = left->integer().value_or(0)});
    }
    return held;
}

Kill kill_of(const storage::Row& row) {
    Kill kill{.id = row.text(0),
              .target = access::target_of(row.text(1)).value_or(access::Target{}),
              .reason = row.text(2),
              .made_by = row.text(3),
              .made_at = row.time(4),
              .held = items_of(row.text(5)),
              .nodes = {},
              .complete = row.integer(6) != 0,
              .took = {}};
    if (!row.is_null(7)) kill.took = milliseconds(row.integer(7));
    return kill;
}

Task<Result<Kill>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "kill.unknown_receipt");
    co_return kill_of(*row);
}

Task<Result<void>> put_leave(Session& session, std::string from, std::string but) {
    const auto to = from + '~';
    for (const auto* statement : {&delete_nodes, &delete_awaited, &update_left})
        GH_CO_TRY_VOID(co_await session.execute(*statement, from, to, but));
    co_return Result<void>{};
}

/// Nobody waits any more for who was silent for so long.
Task<Result<void>> put_alive(Session& session, std::string node) {
    GH_CO_TRY(const auto now, co_await plan::time_of(session));
    GH_CO_TRY_VOID(co_await session.execute(upsert_node, std::move(node), now));
    GH_CO_TRY(const auto gone,
              co_await session.execute(delete_gone, now - KillRecords::silent_max));
    if (gone > 0) GH_CO_TRY_VOID(co_await session.execute(delete_given_up));
    co_return Result<void>{};
}

}  // namespace

Task<Result<void>> KillRecords::put(Session& session, Kill kill) {
    GH_CO_TRY_VOID(co_await session.execute(insert, kill.id, access::text_of(kill.target),
                                            kill.reason, kill.made_by, kill.made_at,
                                            text_of(kill.held)));
    GH_CO_TRY_VOID(co_await session.execute(insert_awaited, kill.id, kill.made_at - silent_max));
    co_return Result<void>{};
}

Task<Result<void>> KillRecords::settle(Kill kill) {
    const std::int64_t took = kill.took.value_or(milliseconds(0)).count();
    const std::int64_t complete = kill.complete ? 1 : 0;
    GH_CO_TRY_VOID(
        co_await database_.query(update_outcome, kill.id, text_of(kill.held), complete, took));
    co_return Result<void>{};
}

Task<Result<Kill>> KillRecords::find(std::string id) {
    auto work = [id](Session& session) { return read(session, id); };
    GH_CO_TRY(auto kill, co_await database_.read(std::move(work)));
    GH_CO_TRY(kill.nodes, co_await sightings(std::move(id)));
    co_return kill;
}

Task<Result<std::vector<Kill>>> KillRecords::list(KillPage page) {
    const auto limit = static_cast<std::int64_t>(page.limit);
    const auto offset = static_cast<std::int64_t>(page.offset);
    const auto time = page.after ? page.after->first : SystemTime::max();
    auto id = page.after ? std::move(page.after->second) : std::string();
    storage::Parameters where{storage::to_value(time), storage::to_value(std::move(id)),
                              storage::to_value(limit), storage::to_value(offset)};
    if (page.principal) where.push_back(storage::to_value(*page.principal));
    const auto& statement = page.principal ? select_of_principal : select_page;
    GH_CO_TRY(const auto rows, co_await database_.run_one(statement, std::move(where)));
    std::vector<Kill> found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        found.push_back(kill_of(rows[i]));
        GH_CO_TRY(found.back().nodes, co_await sightings(found.back().id));
    }
    co_return found;
}

Task<Result<std::vector<Kill>>> KillRecords::unseen(std::string node, SystemTime from) {
    GH_CO_TRY(const auto now, co_await time());
    GH_CO_TRY(const auto rows,
              co_await database_.query(select_unseen, from, std::move(node),
                                       static_cast<std::int64_t>(unseen_max), now - asked_again));
    std::vector<Kill> found;
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(kill_of(rows[i]));
    co_return found;
}

Task<Result<void>> KillRecords::sight(std::string id, KillSighting sighting) {
    const std::int64_t refused = sighting.refused ? 1 : 0;
    const auto at = sighting.at.value_or(SystemTime{});
    GH_CO_TRY_VOID(co_await database_.query(insert_sighting, std::move(id), sighting.node,
                                            sighting.open_before, sighting.open_after, refused,
                                            at));
    co_return Result<void>{};
}

Task<Result<std::vector<KillSighting>>> KillRecords::sightings(std::string id) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_sightings, std::move(id)));
    std::vector<KillSighting> found;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        found.push_back({.node = rows[i].text(0),
                         .open_before = rows[i].integer(1),
                         .open_after = rows[i].integer(2),
                         .refused = rows[i].integer(3) != 0,
                         .at = rows[i].optional_time(4),
                         .silent_since = {}});
        if (!found.back().at) found.back().silent_since = rows[i].optional_time(5);
    }
    co_return found;
}

Task<Result<SystemTime>> KillRecords::time() { return plan::time_of(database_); }

Task<Result<void>> KillRecords::say_alive(std::string node) {
    auto work = [node](Session& session) { return put_alive(session, node); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<void>> KillRecords::leave(std::string beginning, std::string but) {
    auto work = [beginning, but](Session& session) { return put_leave(session, beginning, but); };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::app
