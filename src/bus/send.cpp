#include <algorithm>
#include <utility>

#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_rows.hpp"
#include "bus/shares.hpp"
#include "codec/uuid.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement lock_all{.name = "messages.lock",
                             .sql = "SELECT 1",
                             .postgres = "LOCK TABLE message_totals IN EXCLUSIVE MODE"};
constexpr Statement select_totals{
    .name = "messages.totals",
    .sql = "SELECT last_position, bytes FROM message_totals WHERE one = 1"};
constexpr Statement update_totals{
    .name = "messages.count",
    .sql = "UPDATE message_totals SET last_position = $1, bytes = $2 WHERE one = 1"};
constexpr Statement enter_inbox{
    .name = "inboxes.enter",
    .sql =
        "INSERT INTO inboxes (recipient, messages, used_at, of_agent) VALUES ($1, 1, $2, $4) "
        "ON CONFLICT (recipient) DO UPDATE SET messages = inboxes.messages + 1, used_at = $2 "
        "WHERE inboxes.messages < $3"};
constexpr Statement insert{
    .name = "messages.create",
    .sql =
        "INSERT INTO messages (position, id, kind, recipient, sender, conversation_id, type, body, "
        "bytes, trace, created_at, deliver_at, expires_at, ends_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) "
        "ON CONFLICT (id) DO NOTHING"};
constexpr Statement leave_inbox{
    .name = "inboxes.leave_again",
    .sql = "UPDATE inboxes SET messages = messages - 1 WHERE recipient = $1"};
constexpr std::string_view by_id = "id = $1";
constexpr Statement select_one{.name = "messages.find",
                               .sql = storage::joined<message_columns, by_id>};
constexpr Statement count_conversation{
    .name = "messages.count_conversation",
    .sql =
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM messages WHERE conversation_id = $1 "
        "AND sender = $2 AND recipient = $3 LIMIT $4) AS there) + (SELECT count(*) FROM "
        "(SELECT 1 FROM messages WHERE conversation_id = $1 AND sender = $3 AND recipient = $2 "
        "AND $2 <> $3 LIMIT $4) AS back)"};

struct Totals {
    std::int64_t last_position = 0, bytes = 0;
};

/// Whatever the reason is: what was sent before is sent.
Task<Result<Sent>> refuse_unless_same(Session& session, Draft draft, std::string_view refusal,
                                      SystemTime now) {
    Sent sent{.refusal = refusal, .id = draft.id, .created_at = now, .is_new = false};
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, draft.id));
    if (!row) co_return sent;
    const auto known = message_of(*row);
    const bool same = is_same(known, draft);
    sent.refusal = same ? std::string_view{} : "bus.id_taken";
    if (same) sent.created_at = known.created_at;
    co_return sent;
}

Task<Result<bool>> is_conversation_full(Session& session, Draft draft) {
    if (draft.conversation_max == 0 || !draft.conversation_id) co_return false;
    GH_CO_TRY(const auto rows,
              co_await session.query(count_conversation, *draft.conversation_id, draft.sender,
                                     draft.recipient, draft.conversation_max));
    co_return rows[0].integer(0) >= draft.conversation_max;
}

/// When it is of no use any more, or has waited long enough.
SystemTime end_of(const Draft& draft, const Limits& limits, SystemTime now) {
    const auto waited = std::max(now, draft.deliver_at.value_or(now)) + limits.waiting_kept;
    return std::min(waited, draft.expires_at.value_or(waited));
}

/// What is known before its inbox is looked at.
Task<Result<std::string_view>> judge(Session& session, Draft draft, Limits limits, Totals totals,
                                     std::string_view of_share) {
    GH_CO_TRY(const bool conversation_full, co_await is_conversation_full(session, draft));
    if (conversation_full) co_return "bus.conversation_full";
    if (totals.bytes + bytes_of(draft) > limits.bytes_max) co_return "bus.full";
    co_return of_share;
}

Task<Result<Sent>> send_one(Session& session, Draft draft, Limits limits, Totals& totals,
                            Shares& shares, SystemTime now) {
    if (draft.id.empty()) draft.id = view(draft.kind == Kind::message ? uuid_v7(now) : uuid_v4());
    const auto of_share = shares.judge(draft, limits, totals.bytes);
    GH_CO_TRY(const auto refusal, co_await judge(session, draft, limits, totals, of_share));
    if (!refusal.empty())
        co_return co_await refuse_unless_same(session, std::move(draft), refusal, now);
    GH_CO_TRY(const auto entered,
              co_await session.execute(enter_inbox, draft.recipient, now, limits.inbox_messages_max,
                                       codec::is_uuid(draft.recipient) ? 1 : 0));
    if (entered == 0)
        co_return co_await refuse_unless_same(session, std::move(draft), "bus.inbox_full", now);
    const auto bytes = bytes_of(draft);
    GH_CO_TRY(const auto made,
              co_await session.execute(
                  insert, totals.last_position + 1, draft.id, name_of(draft.kind), draft.recipient,
                  draft.sender, draft.conversation_id, draft.type, draft.body, bytes, draft.trace,
                  now, draft.deliver_at, draft.expires_at, end_of(draft, limits, now)));
    if (made == 0) {
        GH_CO_TRY_VOID(co_await session.execute(leave_inbox, draft.recipient));
        co_return co_await refuse_unless_same(session, std::move(draft), "bus.id_taken", now);
    }
    shares.take(draft);
    ++totals.last_position;
    totals.bytes += bytes;
    co_return Sent{.refusal = {}, .id = std::move(draft.id), .created_at = now, .is_new = true};
}

}  // namespace

Limits limits_of(const BusConfig& config) {
    return {.inbox_messages_max = config.inbox_messages_max,
            .bytes_max = static_cast<std::int64_t>(config.bytes_max),
            .share_messages_max = config.sender_messages_max,
            .share_bytes_max = static_cast<std::int64_t>(config.sender_bytes_max),
            .waiting_kept = config.waiting_kept};
}

Task<Result<void>> lock(Session& session) {
    GH_CO_TRY_VOID(co_await session.query(lock_all));
    co_return Result<void>{};
}

Task<Result<std::vector<Sent>>> send(Session& session, std::vector<Draft> drafts, Limits limits,
                                     SystemTime now) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_totals));
    if (!row) co_return fail(ErrorKind::corrupt, "bus.totals", "message_totals has no row");
    Totals totals{.last_position = (*row).integer(0), .bytes = (*row).integer(1)};
    std::vector<Sent> all;
    all.reserve(drafts.size());
    Shares shares;
    GH_CO_TRY_VOID(co_await shares.book(session, drafts));
    for (auto& draft : drafts) {
        GH_CO_TRY(auto sent,
                  co_await send_one(session, std::move(draft), limits, totals, shares, now));
        all.push_back(std::move(sent));
    }
    GH_CO_TRY_VOID(co_await shares.give_back(session));
    GH_CO_TRY_VOID(co_await session.execute(update_totals, totals.last_position, totals.bytes));
    co_return all;
}

Task<Result<void>> post(Session& session, outbox::Notice notice, Limits limits, SystemTime now) {
    std::vector<Draft> one;
    one.push_back({.id = {},
                   .kind = notice.is_task ? Kind::task : Kind::notification,
                   .recipient = std::move(notice.recipient),
                   .sender = std::move(notice.sender),
                   .conversation_id = {},
                   .type = std::move(notice.type),
                   .body = std::move(notice.body),
                   .trace = std::move(notice.trace),
                   .deliver_at = {},
                   .expires_at = {}});
    GH_CO_TRY(const auto sent, co_await send(session, std::move(one), limits, now));
    if (!sent[0].refusal.empty()) co_return fail(ErrorKind::exhausted, sent[0].refusal);
    co_return Result<void>{};
}

}  // namespace gh::bus
