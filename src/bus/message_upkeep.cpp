#include <algorithm>

#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_repository.hpp"
#include "bus/message_rows.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

// Each finds some, in the order of their index, with their bytes.
constexpr Statement find_late{
    .name = "messages.late",
    .sql =
        "SELECT position, bytes FROM messages WHERE state = 'waiting' AND ends_at <= $1 "
        "ORDER BY ends_at LIMIT $2"};
constexpr Statement find_done{
    .name = "messages.find_done",
    .sql =
        "SELECT position, bytes FROM messages WHERE state IN ('done', 'expired') "
        "AND ended_at < $1 ORDER BY ended_at LIMIT $2"};
constexpr Statement find_dead{
    .name = "messages.find_dead",
    .sql =
        "SELECT position, bytes FROM messages WHERE state = 'dead' AND ended_at < $1 "
        "ORDER BY ended_at LIMIT $2"};
constexpr std::string_view position_and_bytes = "SELECT position, bytes ";
constexpr std::string_view from_line = "FROM messages INDEXED BY messages_in_line WHERE ";
constexpr std::string_view first_in_line =
    "recipient = $1 AND state = 'waiting' ORDER BY position LIMIT $2";
constexpr Statement find_waiting{
    .name = "messages.find_waiting",
    .sql = storage::joined<position_and_bytes, from_line, first_in_line>,
    .postgres = storage::joined<position_and_bytes, from_messages, first_in_line>};

constexpr std::string_view delete_some = "DELETE FROM messages WHERE ";
constexpr std::string_view expire_some =
    "UPDATE messages SET state = 'expired', ended_at = $2 WHERE ";
constexpr std::string_view among =
    "position IN (SELECT value FROM json_each($1)) RETURNING recipient, receipt, sender, bytes";
constexpr std::string_view among_postgres =
    "position = ANY(string_to_array($1, ',')::bigint[]) "
    "RETURNING recipient, receipt, sender, bytes";
constexpr Statement delete_chosen{.name = "messages.purge",
                                  .sql = storage::joined<delete_some, among>,
                                  .postgres = storage::joined<delete_some, among_postgres>};
constexpr Statement expire_chosen{.name = "messages.expire",
                                  .sql = storage::joined<expire_some, among>,
                                  .postgres = storage::joined<expire_some, among_postgres>};

constexpr Statement delete_inboxes{
    .name = "inboxes.purge",
    .sql =
        "DELETE FROM inboxes WHERE recipient IN (SELECT recipient FROM inboxes "
        "WHERE messages = 0 AND used_at < $1 ORDER BY used_at LIMIT $2)"};
constexpr Statement delete_shares{
    .name = "message_shares.purge",
    .sql =
        "DELETE FROM message_shares WHERE (sender, recipient) IN (SELECT sender, recipient "
        "FROM message_shares WHERE messages = 0 AND kept = 0 LIMIT $1)"};
constexpr Statement select_used_inboxes{
    .name = "inboxes.some",
    .sql =
        "SELECT recipient FROM inboxes WHERE recipient > $1 AND messages > 0 "
        "ORDER BY recipient LIMIT $2"};
constexpr Statement select_bytes{.name = "messages.bytes",
                                 .sql = "SELECT bytes FROM message_totals WHERE one = 1"};
constexpr Statement select_depths{
    .name = "inboxes.depths",
    .sql =
        "SELECT recipient, messages FROM inboxes WHERE of_agent = $2 ORDER BY messages DESC "
        "LIMIT $1"};

// Since $1, until $2, at most $3.
constexpr Statement select_due{
    .name = "messages.due",
    .sql =
        "SELECT recipient, deliver_at FROM messages WHERE state = 'waiting' "
        "AND deliver_at IS NOT NULL AND deliver_at > $1 AND deliver_at <= $2 LIMIT $3"};
constexpr Statement select_lease_over{
    .name = "inboxes.lease_over",
    .sql =
        "SELECT recipient, leased_until FROM inboxes WHERE leased > 0 AND leased_until > $1 "
        "AND leased_until <= $2 LIMIT $3"};
constexpr Statement select_pause_over{
    .name = "inboxes.pause_over",
    .sql =
        "SELECT recipient, paused_until FROM inboxes WHERE paused_until > 0 AND paused_until > $1 "
        "AND paused_until <= $2 LIMIT $3"};
constexpr Statement select_used{.name = "inboxes.used",
                                .sql =
                                    "SELECT recipient, used_at FROM inboxes WHERE used_at > $1 AND "
                                    "used_at <= $2 AND messages > 0 "
                                    "LIMIT $3"};
/// The first of them, as many as are dealt with at once.
std::vector<std::int64_t> some_of(const storage::Rows& found) {
    std::vector<std::int64_t> positions;
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        bytes += found[i].integer(1);
        if (i > 0 && bytes > MessageRepository::ended_bytes_at_once) break;
        positions.push_back(found[i].integer(0));
    }
    return positions;
}

std::vector<Left> left_of(const storage::Rows& rows) {
    std::vector<Left> left;
    for (std::size_t i = 0; i < rows.size(); ++i)
        left.push_back({.recipient = rows[i].text(0),
                        .receipt = rows[i].text(1),
                        .sender = rows[i].text(2),
                        .bytes = rows[i].integer(3)});
    return left;
}

Task<Result<std::uint64_t>> expire_these(Session& session, std::vector<std::int64_t> positions,
                                         SystemTime now) {
    if (positions.empty()) co_return std::uint64_t{0};
    const auto wanted = positions_parameter(session.dialect(), positions);
    GH_CO_TRY(const auto rows, co_await session.query(expire_chosen, wanted, now));
    GH_CO_TRY_VOID(co_await settle(session, left_of(rows), now));
    co_return rows.size();
}

/// Of what has ended.
Task<Result<std::uint64_t>> forget_these(Session& session, std::vector<std::int64_t> positions) {
    if (positions.empty()) co_return std::uint64_t{0};
    const auto wanted = positions_parameter(session.dialect(), positions);
    GH_CO_TRY(const auto rows, co_await session.query(delete_chosen, wanted));
    GH_CO_TRY_VOID(co_await forget_bytes(session, left_of(rows)));
    co_return rows.size();
}

Task<Result<std::uint64_t>> end_late(Session& session, SystemTime now) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto found,
              co_await session.query(find_late, now, MessageRepository::ended_at_once));
    co_return co_await expire_these(session, some_of(found), now);
}

Task<Result<std::uint64_t>> end_inbox(Session& session, std::string recipient, SystemTime now) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto found, co_await session.query(find_waiting, std::move(recipient),
                                                       MessageRepository::ended_at_once));
    co_return co_await expire_these(session, some_of(found), now);
}

Task<Result<Emptied>> take_out(Session& session, std::string recipient, SystemTime now) {
    GH_CO_TRY_VOID(co_await lock(session));
    Emptied emptied{.recipient = std::move(recipient)};
    GH_CO_TRY(const auto found, co_await session.query(find_waiting, emptied.recipient,
                                                       MessageRepository::ended_at_once));
    const auto positions = some_of(found);
    if (positions.empty()) co_return emptied;
    const auto wanted = positions_parameter(session.dialect(), positions);
    GH_CO_TRY(const auto rows, co_await session.query(delete_chosen, wanted));
    emptied.messages = rows.size();
    auto left = left_of(rows);
    GH_CO_TRY_VOID(co_await settle(session, left, now));
    GH_CO_TRY_VOID(co_await forget_bytes(session, std::move(left)));
    co_return emptied;
}

Task<Result<std::uint64_t>> forget(Session& session, MessageRepository::Kept kept) {
    constexpr auto most = MessageRepository::ended_at_once;
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto done, co_await session.query(find_done, kept.done_since, most));
    GH_CO_TRY(const auto some_done, co_await forget_these(session, some_of(done)));
    GH_CO_TRY(const auto dead, co_await session.query(find_dead, kept.dead_since, most));
    GH_CO_TRY(const auto some_dead, co_await forget_these(session, some_of(dead)));
    GH_CO_TRY(const auto inboxes, co_await session.execute(delete_inboxes, kept.done_since, most));
    GH_CO_TRY(const auto shares, co_await session.execute(delete_shares, most));
    const bool more = inboxes == most || shares == most;
    co_return some_done + some_dead + (more ? 1 : 0);
}

Task<Result<MessageRepository::Awake>> find_awake(Session& session, SystemTime since,
                                                  SystemTime now) {
    MessageRepository::Awake awake;
    for (const auto* statement :
         {&select_due, &select_lease_over, &select_pause_over, &select_used}) {
        GH_CO_TRY(const auto rows,
                  co_await session.query(*statement, since, now, MessageRepository::awake_max));
        awake.cut = awake.cut || rows.size() == MessageRepository::awake_max;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            auto& at = awake.inboxes[rows[i].text(0)];
            at = std::max(at, rows[i].time(1));
        }
    }
    co_return awake;
}

}  // namespace

Task<Result<std::uint64_t>> MessageRepository::expire(SystemTime now) {
    auto work = [now](Session& session) { return end_late(session, now); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> MessageRepository::expire_inbox(std::string recipient, SystemTime now) {
    auto work = [recipient = std::move(recipient), now](Session& session) {
        return end_inbox(session, recipient, now);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Emptied>> MessageRepository::empty(std::string recipient, SystemTime now,
                                               storage::Also<Emptied> also) {
    auto work = [recipient = std::move(recipient), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, take_out(session, recipient, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::vector<std::string>>> MessageRepository::used_inboxes(std::string after,
                                                                       std::size_t limit) {
    GH_CO_TRY(const auto rows,
              co_await database_.query(select_used_inboxes, std::move(after), limit));
    std::vector<std::string> names;
    for (std::size_t i = 0; i < rows.size(); ++i) names.push_back(rows[i].text(0));
    co_return names;
}

Task<Result<std::uint64_t>> MessageRepository::purge(Kept kept) {
    auto work = [kept](Session& session) { return forget(session, kept); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::int64_t>> MessageRepository::bytes() {
    GH_CO_TRY(const auto rows, co_await database_.query(select_bytes));
    co_return rows.empty() ? 0 : rows[0].integer(0);
}

Task<Result<MessageRepository::Awake>> MessageRepository::awake(SystemTime since, SystemTime now) {
    auto work = [since, now](Session& session) { return find_awake(session, since, now); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<MessageRepository::Depth>>> MessageRepository::depths(
    std::size_t agents_max, std::size_t others_max) {
    std::vector<Depth> found;
    for (const int of_agent : {1, 0}) {
        const auto limit = of_agent == 1 ? agents_max : others_max;
        GH_CO_TRY(const auto rows, co_await database_.query(select_depths, limit, of_agent));
        for (std::size_t i = 0; i < rows.size(); ++i)
            found.push_back({.recipient = rows[i].text(0), .messages = rows[i].integer(1)});
    }
    std::ranges::sort(found, std::ranges::greater(), &Depth::messages);
    co_return found;
}

}  // namespace gh::bus
