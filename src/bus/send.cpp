#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/id.hpp"
#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_rows.hpp"
#include "bus/shares.hpp"
#include "codec/json_writer.hpp"
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
constexpr std::string_view select_inboxes_of =
    "SELECT recipient, messages FROM inboxes WHERE recipient IN ";
constexpr std::string_view these = "(SELECT value FROM json_each($1))";
constexpr std::string_view these_postgres = "(SELECT json_array_elements_text(CAST($1 AS json)))";
constexpr Statement select_inboxes{.name = "inboxes.of_drafts",
                                   .sql = storage::joined<select_inboxes_of, these>,
                                   .postgres = storage::joined<select_inboxes_of, these_postgres>};
constexpr Statement select_known{
    .name = "messages.known",
    .sql = "SELECT id FROM messages WHERE id IN (SELECT value FROM json_each($1))",
    .postgres = "SELECT id FROM messages WHERE id = ANY(string_to_array($1, ','))"};
constexpr Statement enter_inbox{
    .name = "inboxes.enter",
    .sql =
        "INSERT INTO inboxes (recipient, messages, used_at, of_agent) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (recipient) DO UPDATE SET messages = inboxes.messages + $2, used_at = $3"};
constexpr Statement insert{
    .name = "messages.create",
    .sql =
        "INSERT INTO messages (position, id, kind, recipient, sender, conversation_id, type, body, "
        "bytes, trace, created_at, deliver_at, expires_at, ends_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"};
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

std::string list_of(const std::set<std::string>& texts) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& text : texts) out.string(text);
    out.end_array();
    return list;
}

/// Some drafts while they are sent. What is read of one is read of all, and what is written is written of all, so that many
/// cost hardly more ways to the server than one.
class Sending {
 public:
    Sending(Session& session, const Limits& limits, SystemTime now)
        : session_(session), limits_(limits), now_(now) {}

    [[nodiscard]] Task<Result<void>> begin(const std::vector<Draft>& drafts);
    [[nodiscard]] Task<Result<Sent>> send(Draft draft);
    [[nodiscard]] Task<Result<void>> end();

 private:
    struct Inbox {
        std::int64_t before = 0, entered = 0;
    };
    /// @return why not
    [[nodiscard]] Task<Result<std::string_view>> judge(Draft draft);
    [[nodiscard]] Task<Result<void>> read_known(const std::vector<Draft>& drafts);
    /// What was taken is in the table.
    [[nodiscard]] Task<Result<void>> write_taken();

    Session& session_;
    const Limits limits_;
    const SystemTime now_;
    std::int64_t last_position_ = 0, bytes_ = 0;
    Shares shares_;
    std::map<std::string, Inbox> inboxes_;
    std::set<std::string> known_;  // ids
    std::vector<storage::Parameters> taken_;
};

Task<Result<void>> Sending::begin(const std::vector<Draft>& drafts) {
    GH_CO_TRY(const auto row, co_await session_.query_one(select_totals));
    if (!row) co_return fail(ErrorKind::corrupt, "bus.totals", "message_totals has no row");
    last_position_ = (*row).integer(0);
    bytes_ = (*row).integer(1);
    GH_CO_TRY_VOID(co_await shares_.book(session_, drafts));
    GH_CO_TRY_VOID(co_await read_known(drafts));
    std::set<std::string> recipients;
    for (const auto& draft : drafts) recipients.insert(draft.recipient);
    GH_CO_TRY(const auto rows, co_await session_.query(select_inboxes, list_of(recipients)));
    for (std::size_t i = 0; i < rows.size(); ++i)
        inboxes_[rows[i].text(0)].before = rows[i].integer(1);
    co_return Result<void>{};
}

Task<Result<void>> Sending::read_known(const std::vector<Draft>& drafts) {
    std::vector<std::string> ids;
    for (const auto& draft : drafts) {
        if (!draft.id.empty()) ids.push_back(draft.id);
    }
    if (ids.empty()) co_return Result<void>{};
    GH_CO_TRY(const auto rows,
              co_await session_.query(select_known, ids_parameter(session_.dialect(), ids)));
    for (std::size_t i = 0; i < rows.size(); ++i) known_.insert(rows[i].text(0));
    co_return Result<void>{};
}

Task<Result<std::string_view>> Sending::judge(Draft draft) {
    if (known_.contains(draft.id)) co_return "bus.id_taken";
    const auto of_share = shares_.judge(draft, limits_, bytes_);
    const auto& inbox = inboxes_[draft.recipient];
    const bool inbox_full = inbox.before + inbox.entered >= limits_.inbox_messages_max;
    const bool house_full = bytes_ + bytes_of(draft) > limits_.bytes_max;
    if (draft.conversation_max > 0) GH_CO_TRY_VOID(co_await write_taken());
    GH_CO_TRY(const bool conversation_full,
              co_await is_conversation_full(session_, std::move(draft)));
    if (conversation_full) co_return "bus.conversation_full";
    if (house_full) co_return "bus.full";
    if (!of_share.empty()) co_return of_share;
    co_return inbox_full ? "bus.inbox_full" : "";
}

Task<Result<Sent>> Sending::send(Draft draft) {
    using storage::to_value;
    GH_CO_TRY(const auto refusal, co_await judge(draft));
    const bool is_named = !draft.id.empty();
    if (!is_named) draft.id = view(draft.kind == Kind::message ? uuid_v7(now_) : uuid_v4());
    if (!refusal.empty()) {
        if (!is_named)
            co_return Sent{
                .refusal = refusal, .id = std::move(draft.id), .created_at = now_, .is_new = false};
        GH_CO_TRY_VOID(co_await write_taken());  // it may be one of these
        co_return co_await refuse_unless_same(session_, std::move(draft), refusal, now_);
    }
    shares_.take(draft);
    known_.insert(draft.id);
    ++inboxes_[draft.recipient].entered;
    ++last_position_;
    const auto bytes = bytes_of(draft);
    bytes_ += bytes;
    Sent sent{.refusal = {}, .id = draft.id, .created_at = now_, .is_new = true};
    const auto ends_at = end_of(draft, limits_, now_);
    taken_.push_back({to_value(last_position_), to_value(std::move(draft.id)),
                      to_value(name_of(draft.kind)), to_value(std::move(draft.recipient)),
                      to_value(std::move(draft.sender)), to_value(std::move(draft.conversation_id)),
                      to_value(std::move(draft.type)), to_value(std::move(draft.body)),
                      to_value(bytes), to_value(std::move(draft.trace)), to_value(now_),
                      to_value(draft.deliver_at), to_value(draft.expires_at), to_value(ends_at)});
    co_return sent;
}

Task<Result<void>> Sending::write_taken() {
    auto taken = std::exchange(taken_, {});
    if (!taken.empty()) GH_CO_TRY_VOID(co_await session_.execute_many(insert, std::move(taken)));
    co_return Result<void>{};
}

Task<Result<void>> Sending::end() {
    using storage::to_value;
    GH_CO_TRY_VOID(co_await write_taken());
    std::vector<storage::Parameters> entered;
    for (const auto& [recipient, inbox] : inboxes_) {
        if (inbox.entered > 0)
            entered.push_back({to_value(recipient), to_value(inbox.entered), to_value(now_),
                               to_value(codec::is_uuid(recipient) ? 1 : 0)});
    }
    GH_CO_TRY_VOID(co_await shares_.give_back(session_));
    if (entered.empty()) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await session_.execute_many(enter_inbox, std::move(entered)));
    GH_CO_TRY_VOID(co_await session_.execute(update_totals, last_position_, bytes_));
    co_return Result<void>{};
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
    Sending sending(session, limits, now);
    GH_CO_TRY_VOID(co_await sending.begin(drafts));
    std::vector<Sent> all;
    all.reserve(drafts.size());
    for (auto& draft : drafts) {
        GH_CO_TRY(auto sent, co_await sending.send(std::move(draft)));
        all.push_back(std::move(sent));
    }
    GH_CO_TRY_VOID(co_await sending.end());
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
