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
    .sql = "SELECT leased, leased_until, paused_until FROM inboxes WHERE recipient = $1"};
// SQLite, which knows no numbers of rows, would as soon walk through all that a recipient ever had.
constexpr std::string_view from_line = "FROM messages INDEXED BY messages_in_line WHERE ";
constexpr std::string_view in_line =
    "recipient = $1 AND state = 'waiting' AND (deliver_at IS NULL OR deliver_at <= $2) "
    "ORDER BY position LIMIT $3";
constexpr Statement select_head{.name = "messages.head",
                                .sql = storage::joined<message_fields, from_line, in_line>,
                                .postgres = storage::joined<message_columns, in_line>};
constexpr Statement update_given{
    .name = "messages.give",
    .sql =
        "UPDATE messages INDEXED BY messages_in_line SET deliveries = deliveries + 1, "
        "receipt = $4 WHERE recipient = $1 AND state = 'waiting' "
        "AND (deliver_at IS NULL OR deliver_at <= $2) AND position <= $3",
    .postgres =
        "UPDATE messages SET deliveries = deliveries + 1, receipt = $4 WHERE recipient = $1 "
        "AND state = 'waiting' AND (deliver_at IS NULL OR deliver_at <= $2) AND position <= $3"};
constexpr Statement update_leased{
    .name = "inboxes.lease",
    .sql =
        "UPDATE inboxes SET receipt = $2, leased = $3, leased_until = $4, paused_until = 0, "
        "used_at = $5 WHERE recipient = $1"};
constexpr Statement update_ended{
    .name = "messages.end",
    .sql = "UPDATE messages SET state = $2, ended_at = $3 WHERE position = $1"};

/// What the head of a line turns out to be.
struct Head {
    std::vector<Message> good;
    std::vector<std::pair<Message, State>> over;
    bool looks_on = false;  ///< all that was seen was over, and there may be more
};

Head sorted(std::vector<Message> found, const Wish& wish, SystemTime now) {
    Head head;
    std::size_t bytes = 0;
    const auto asked = found.size();
    for (auto& message : found) {
        if (message.expires_at && *message.expires_at <= now) {
            head.over.emplace_back(std::move(message), State::expired);
            continue;
        }
        if (message.deliveries >= wish.deliveries_max) {
            head.over.emplace_back(std::move(message), State::dead);
            continue;
        }
        const bool alone =
            message.deliveries + 1 >= std::min(alone_from_delivery, wish.deliveries_max);
        bytes += message.body.size();
        if (!head.good.empty() && (alone || bytes > batch_bytes_max)) return head;
        head.good.push_back(std::move(message));
        if (alone) return head;
    }
    head.looks_on = head.good.empty() && asked > 0;
    return head;
}

Task<Result<void>> end_all(Session& session, std::vector<std::pair<Message, State>> over,
                           Batch& batch, SystemTime now) {
    std::vector<Left> left;
    for (auto& [message, state] : over) {
        GH_CO_TRY_VOID(
            co_await session.execute(update_ended, message.position, name_of(state), now));
        left.push_back({.recipient = std::move(message.recipient),
                        .receipt = std::move(message.receipt),
                        .bytes = message.bytes});
        if (state == State::dead) batch.dead.push_back(std::move(message.id));
        if (state == State::expired) ++batch.expired;
    }
    co_return co_await settle(session, std::move(left), now);
}

}  // namespace

Task<Result<Batch>> receive(Session& session, Wish wish, SystemTime now) {
    Batch batch;
    GH_CO_TRY(const auto inbox, co_await session.query_one(select_inbox, wish.recipient));
    if (!inbox) co_return batch;
    const bool is_out = (*inbox).integer(0) > 0 && (*inbox).time(1) > now;
    if (is_out || (*inbox).time(2) > now) co_return batch;
    for (int round = 0; round < rounds_max; ++round) {
        GH_CO_TRY(const auto rows,
                  co_await session.query(select_head, wish.recipient, now, wish.messages_max));
        auto head = sorted(messages_of(rows), wish, now);
        GH_CO_TRY_VOID(co_await end_all(session, std::move(head.over), batch, now));
        batch.messages = std::move(head.good);
        if (!head.looks_on) break;
    }
    if (batch.messages.empty()) co_return batch;
    batch.receipt = view(uuid_v4());
    batch.leased_until = now + wish.lease;
    GH_CO_TRY_VOID(co_await session.execute(update_given, wish.recipient, now,
                                            batch.messages.back().position, batch.receipt));
    GH_CO_TRY_VOID(co_await session.execute(update_leased, wish.recipient, batch.receipt,
                                            batch.messages.size(), batch.leased_until, now));
    for (auto& message : batch.messages) {
        ++message.deliveries;
        message.receipt = batch.receipt;
    }
    co_return batch;
}

}  // namespace gh::bus
