#include <algorithm>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_rows.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

constexpr int rounds_max = 8;  // of looking behind what had to be removed
constexpr std::int64_t alone_from_delivery = 3;

constexpr Statement select_inbox{
    .name = "inboxes.find",
    .sql = "SELECT leased, leased_until, paused_until, set_at FROM inboxes WHERE recipient = $1"};
// SQLite, which knows no numbers of rows, would as soon walk through all that a recipient ever had.
constexpr std::string_view select_head_fields =
    "SELECT position, id, sender, receipt, bytes, deliveries ";
constexpr std::string_view from_line = "FROM messages INDEXED BY messages_in_line WHERE ";
constexpr std::string_view in_line =
    "recipient = $1 AND state = 'waiting' AND (deliver_at IS NULL OR deliver_at <= $2) "
    "AND ends_at > $2 ";
constexpr std::string_view some = "ORDER BY position LIMIT $3";
constexpr Statement select_head{
    .name = "messages.head",
    .sql = storage::joined<select_head_fields, from_line, in_line, some>,
    .postgres = storage::joined<select_head_fields, from_messages, in_line, some>};
constexpr std::string_view select_free =
    "SELECT 1 FROM inboxes WHERE recipient = $1 AND messages > 0 "
    "AND (set_at > $3 OR ((leased = 0 OR leased_until <= $2) AND paused_until <= $2)) "
    "AND EXISTS (SELECT 1 ";
constexpr std::string_view one = "LIMIT 1)";
constexpr Statement select_some{
    .name = "inboxes.has_some",
    .sql = storage::joined<select_free, from_line, in_line, one>,
    .postgres = storage::joined<select_free, from_messages, in_line, one>};
constexpr std::string_view update_line = "UPDATE messages INDEXED BY messages_in_line ";
constexpr std::string_view update_rows = "UPDATE messages ";
constexpr std::string_view set_given = "SET deliveries = deliveries + 1, receipt = $4 WHERE ";
constexpr std::string_view to_last = "AND position <= $3 RETURNING ";
constexpr Statement update_given{
    .name = "messages.give",
    .sql = storage::joined<update_line, set_given, in_line, to_last, message_fields>,
    .postgres = storage::joined<update_rows, set_given, in_line, to_last, message_fields>};
constexpr Statement update_leased{
    .name = "inboxes.lease",
    .sql =
        "UPDATE inboxes SET receipt = $2, leased = $3, leased_until = $4, paused_until = 0, "
        "used_at = $5, set_at = $5 WHERE recipient = $1"};
constexpr Statement update_dead{
    .name = "messages.give_up",
    .sql = "UPDATE messages SET state = 'dead', ended_at = $2 WHERE position = $1"};

/// A message of the head of a line, without its body.
struct Seen {
    std::int64_t position = 0;
    std::string id, sender, receipt;
    std::int64_t bytes = 0, deliveries = 0;
};

std::vector<Seen> seen_of(const storage::Rows& rows) {
    std::vector<Seen> seen;
    for (std::size_t i = 0; i < rows.size(); ++i)
        seen.push_back({.position = rows[i].integer(0),
                        .id = rows[i].text(1),
                        .sender = rows[i].text(2),
                        .receipt = rows[i].text(3),
                        .bytes = rows[i].integer(4),
                        .deliveries = rows[i].integer(5)});
    return seen;
}

/// What the head of a line turns out to be.
struct Head {
    std::int64_t last_good = 0;  ///< the position up to which it is given out; 0: there is none
    std::size_t good = 0;
    std::vector<Seen> dead;
    bool looks_on = false;  ///< all that was seen is given up, and there may be more
};

Head sorted(std::vector<Seen> found, const Wish& wish) {
    Head head;
    std::int64_t bytes = 0;
    const auto asked = found.size();
    for (auto& message : found) {
        if (message.deliveries >= wish.deliveries_max) {
            head.dead.push_back(std::move(message));
            continue;
        }
        const bool alone =
            message.deliveries + 1 >= std::min(alone_from_delivery, wish.deliveries_max);
        bytes += message.bytes - message_overhead_bytes;
        const bool fits = bytes <= static_cast<std::int64_t>(batch_bytes_max) && !alone &&
                          head.good < wish.messages_max;
        if (head.good > 0 && !fits) return head;
        head.last_good = message.position;
        ++head.good;
        if (alone) return head;
    }
    head.looks_on = head.good == 0 && asked > 0;
    return head;
}

Task<Result<void>> give_up(Session& session, std::string recipient, std::vector<Seen> dead,
                           Batch& batch, SystemTime now) {
    std::vector<Left> left;
    for (auto& message : dead) {
        GH_CO_TRY_VOID(co_await session.execute(update_dead, message.position, now));
        left.push_back({.recipient = recipient,
                        .receipt = std::move(message.receipt),
                        .sender = std::move(message.sender),
                        .bytes = message.bytes});
        batch.dead.push_back(std::move(message.id));
    }
    co_return co_await settle(session, std::move(left), now);
}

}  // namespace

Task<Result<bool>> has_some(Session& session, std::string recipient, SystemTime now) {
    GH_CO_TRY(const auto row,
              co_await session.query_one(select_some, recipient, now, now + clocks_apart));
    co_return row.has_value();
}

Task<Result<Batch>> receive(Session& session, Wish wish, SystemTime now) {
    Batch batch;
    GH_CO_TRY(const auto inbox, co_await session.query_one(select_inbox, wish.recipient));
    if (!inbox) co_return batch;
    const bool holds = (*inbox).time(3) <= now + clocks_apart;
    const bool is_out = (*inbox).integer(0) > 0 && (*inbox).time(1) > now;
    if (holds && (is_out || (*inbox).time(2) > now)) co_return batch;
    Head head;
    for (int round = 0; round < rounds_max; ++round) {
        const auto looked_at = round == 0 ? wish.messages_max : batch_messages_max;
        GH_CO_TRY(const auto rows,
                  co_await session.query(select_head, wish.recipient, now, looked_at));
        head = sorted(seen_of(rows), wish);
        GH_CO_TRY_VOID(co_await give_up(session, wish.recipient, std::move(head.dead), batch, now));
        if (!head.looks_on) break;
    }
    if (head.good == 0) co_return batch;
    batch.receipt = view(uuid_v4());
    batch.leased_until = now + wish.lease;
    GH_CO_TRY(const auto given, co_await session.query(update_given, wish.recipient, now,
                                                       head.last_good, batch.receipt));
    batch.messages = messages_of(given);
    std::ranges::sort(batch.messages, {}, &Message::position);
    GH_CO_TRY_VOID(co_await session.execute(update_leased, wish.recipient, batch.receipt,
                                            batch.messages.size(), batch.leased_until, now));
    co_return batch;
}

}  // namespace gh::bus
