#include "bus/message_repository.hpp"

#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_rows.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::string_view by_id = "id = $1";
constexpr Statement select_one{.name = "messages.find",
                               .sql = storage::joined<message_columns, by_id>};
constexpr Statement update_replayed{
    .name = "messages.replay",
    .sql =
        "UPDATE messages SET state = 'waiting', deliveries = 0, receipt = '', ended_at = NULL "
        "WHERE id = $1"};
constexpr Statement enter_again{
    .name = "inboxes.enter_again",
    .sql =
        "INSERT INTO inboxes (recipient, messages, used_at) VALUES ($1, 1, $2) "
        "ON CONFLICT (recipient) DO UPDATE SET messages = inboxes.messages + 1, used_at = $2"};
constexpr Statement delete_one{.name = "messages.remove",
                               .sql = "DELETE FROM messages WHERE id = $1"};
constexpr Statement update_bytes{
    .name = "messages.forget", .sql = "UPDATE message_totals SET bytes = bytes - $1 WHERE one = 1"};
constexpr Statement select_bytes{.name = "messages.bytes",
                                 .sql = "SELECT bytes FROM message_totals WHERE one = 1"};
constexpr Statement update_expired{
    .name = "messages.expire",
    .sql =
        "UPDATE messages SET state = 'expired', ended_at = $1 WHERE position IN "
        "(SELECT position FROM messages WHERE state = 'waiting' AND expires_at IS NOT NULL "
        "AND expires_at <= $1 ORDER BY expires_at LIMIT $2) RETURNING recipient, receipt"};
constexpr Statement delete_done{
    .name = "messages.purge_done",
    .sql =
        "DELETE FROM messages WHERE position IN "
        "(SELECT position FROM messages WHERE state IN ('done', 'expired') AND ended_at < $1 "
        "ORDER BY ended_at LIMIT $2) RETURNING bytes"};
constexpr Statement delete_dead{
    .name = "messages.purge_dead",
    .sql =
        "DELETE FROM messages WHERE position IN "
        "(SELECT position FROM messages WHERE state = 'dead' AND ended_at < $1 "
        "ORDER BY position LIMIT $2) RETURNING bytes"};
constexpr Statement delete_inboxes{
    .name = "inboxes.purge",
    .sql =
        "DELETE FROM inboxes WHERE recipient IN (SELECT recipient FROM inboxes "
        "WHERE messages = 0 AND used_at < $1 ORDER BY used_at LIMIT $2)"};

// Since $1, until $2, at most $3.
constexpr Statement select_due{
    .name = "messages.due",
    .sql =
        "SELECT DISTINCT recipient FROM messages WHERE state = 'waiting' "
        "AND deliver_at IS NOT NULL AND deliver_at > $1 AND deliver_at <= $2 LIMIT $3"};
constexpr Statement select_lease_over{
    .name = "inboxes.lease_over",
    .sql =
        "SELECT recipient FROM inboxes WHERE leased > 0 AND leased_until > $1 "
        "AND leased_until <= $2 LIMIT $3"};
constexpr Statement select_pause_over{
    .name = "inboxes.pause_over",
    .sql =
        "SELECT recipient FROM inboxes WHERE paused_until > 0 AND paused_until > $1 "
        "AND paused_until <= $2 LIMIT $3"};
constexpr Statement select_used{
    .name = "inboxes.used",
    .sql =
        "SELECT recipient FROM inboxes WHERE used_at > $1 AND used_at <= $2 AND messages > 0 "
        "LIMIT $3"};
constexpr Statement select_depths{
    .name = "inboxes.depths",
    .sql = "SELECT recipient, messages FROM inboxes ORDER BY messages DESC LIMIT $1"};

// The pages of a list: behind $1, be it before the first of all. What $8 is stands in the clause.
constexpr std::string_view all;
constexpr std::string_view of_recipient = "recipient = $8 AND ";
constexpr std::string_view of_sender = "sender = $8 AND ";
constexpr std::string_view of_conversation = "conversation_id = $8 AND ";
constexpr std::string_view of_dead = "state = 'dead' AND ";
constexpr std::string_view filters =
    "($4 = '' OR kind = $4) AND ($5 = '' OR recipient = $5) AND ($6 = '' OR sender = $6) "
    "AND ($7 = '' OR recipient = $7 OR sender = $7) AND ";
constexpr std::string_view oldest = "position > $1 ORDER BY position LIMIT $2 OFFSET $3";
constexpr std::string_view newest = "position < $1 ORDER BY position DESC LIMIT $2 OFFSET $3";
template <const std::string_view& which, const std::string_view& order>
constexpr Statement page_of{.name = "messages.list",
                            .sql = storage::joined<message_columns, which, filters, order>};

template <const std::string_view& which>
const Statement& in_order(const MessagePage& page) {
    return page.newest_first ? page_of<which, newest> : page_of<which, oldest>;
}

Task<Result<Message>> read_dead(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "message.unknown");
    auto message = message_of(*row);
    if (message.state != State::dead) co_return fail(ErrorKind::conflict, "message.not_dead");
    co_return message;
}

Task<Result<Message>> put_back(Session& session, std::string id, SystemTime now) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto message, co_await read_dead(session, id));
    GH_CO_TRY_VOID(co_await session.execute(update_replayed, id));
    GH_CO_TRY_VOID(co_await session.execute(enter_again, message.recipient, now));
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, id));
    co_return message_of(*row);
}

Task<Result<Message>> take_away(Session& session, std::string id) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(auto message, co_await read_dead(session, id));
    GH_CO_TRY_VOID(co_await session.execute(delete_one, id));
    GH_CO_TRY_VOID(co_await session.execute(update_bytes, message.bytes));
    co_return message;
}

Task<Result<std::uint64_t>> end_late(Session& session, SystemTime now) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto rows,
              co_await session.query(update_expired, now, MessageRepository::ended_at_once));
    std::vector<Left> left;
    for (std::size_t i = 0; i < rows.size(); ++i)
        left.push_back({.recipient = rows[i].text(0), .receipt = rows[i].text(1)});
    GH_CO_TRY_VOID(co_await settle(session, std::move(left), now));
    co_return rows.size();
}

Task<Result<std::uint64_t>> forget(Session& session, MessageRepository::Kept kept) {
    constexpr auto most = MessageRepository::ended_at_once;
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto done, co_await session.query(delete_done, kept.done_since, most));
    GH_CO_TRY(const auto dead, co_await session.query(delete_dead, kept.dead_since, most));
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < done.size(); ++i) bytes += done[i].integer(0);
    for (std::size_t i = 0; i < dead.size(); ++i) bytes += dead[i].integer(0);
    // Nothing to forget is nothing to write.
    if (bytes > 0) GH_CO_TRY_VOID(co_await session.execute(update_bytes, bytes));
    GH_CO_TRY_VOID(co_await session.execute(delete_inboxes, kept.done_since, most));
    co_return done.size() + dead.size();
}

Task<Result<std::vector<std::string>>> find_awake(Session& session, SystemTime since,
                                                  SystemTime now) {
    std::vector<std::string> found;
    for (const auto* statement :
         {&select_due, &select_lease_over, &select_pause_over, &select_used}) {
        GH_CO_TRY(const auto rows,
                  co_await session.query(*statement, since, now, MessageRepository::awake_max));
        for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(rows[i].text(0));
    }
    co_return found;
}

}  // namespace

Task<Result<Message>> MessageRepository::find(std::string id) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_one, std::move(id)));
    if (rows.empty()) co_return fail(ErrorKind::not_found, "message.unknown");
    co_return message_of(rows[0]);
}

Task<Result<std::vector<Message>>> MessageRepository::list(MessagePage page) {
    const auto edge = page.newest_first ? std::numeric_limits<std::int64_t>::max() : 0;
    storage::Parameters parameters{
        storage::to_value(page.after.value_or(edge)),
        storage::to_value(page.limit),
        storage::to_value(page.offset),
        storage::to_value(page.kind ? name_of(*page.kind) : std::string_view{}),
        storage::to_value(page.recipient.value_or("")),
        storage::to_value(page.sender.value_or("")),
        storage::to_value(page.participant.value_or(""))};
    const auto* statement = &in_order<all>(page);
    const std::optional<std::string>* key = nullptr;
    if (page.dead_only) {
        statement = &in_order<of_dead>(page);
    } else if (page.conversation_id) {
        statement = &in_order<of_conversation>(page);
        key = &page.conversation_id;
    } else if (page.recipient) {
        statement = &in_order<of_recipient>(page);
        key = &page.recipient;
    } else if (page.sender) {
        statement = &in_order<of_sender>(page);
        key = &page.sender;
    }
    if (key != nullptr) parameters.push_back(storage::to_value(**key));
    GH_CO_TRY(const auto rows, co_await database_.run_one(*statement, std::move(parameters)));
    co_return messages_of(rows);
}

Task<Result<Message>> MessageRepository::replay(std::string id, SystemTime now,
                                                storage::Also<Message> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, put_back(session, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Message>> MessageRepository::remove(std::string id, storage::Also<Message> also) {
    auto work = [id = std::move(id), also = std::move(also)](Session& session) {
        return storage::with_also(session, take_away(session, id), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> MessageRepository::expire(SystemTime now) {
    auto work = [now](Session& session) { return end_late(session, now); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::uint64_t>> MessageRepository::purge(Kept kept) {
    auto work = [kept](Session& session) { return forget(session, kept); };
    co_return co_await database_.write(std::move(work));
}

Task<Result<std::int64_t>> MessageRepository::bytes() {
    GH_CO_TRY(const auto rows, co_await database_.query(select_bytes));
    co_return rows.empty() ? 0 : rows[0].integer(0);
}

Task<Result<std::vector<std::string>>> MessageRepository::awake(SystemTime since, SystemTime now) {
    auto work = [since, now](Session& session) { return find_awake(session, since, now); };
    co_return co_await database_.read(std::move(work));
}

Task<Result<std::vector<MessageRepository::Depth>>> MessageRepository::depths(std::size_t limit) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_depths, limit));
    std::vector<Depth> found;
    for (std::size_t i = 0; i < rows.size(); ++i)
        found.push_back({.recipient = rows[i].text(0), .messages = rows[i].integer(1)});
    co_return found;
}

}  // namespace gh::bus
