#include <utility>

#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_rows.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

// $3: ids_parameter(). Both are to begin with these (+, || ''), not with all that waits for the recipient.
constexpr Statement update_done{
    .name = "messages.acknowledge",
    .sql =
        "UPDATE messages SET state = 'done', ended_at = $2 WHERE +recipient = $1 "
        "AND +state = 'waiting' AND id IN (SELECT value FROM json_each($3)) "
        "RETURNING receipt, sender, bytes",
    .postgres =
        "UPDATE messages SET state = 'done', ended_at = $2 WHERE recipient || '' = $1 "
        "AND state || '' = 'waiting' AND id = ANY(string_to_array($3, ',')) "
        "RETURNING receipt, sender, bytes"};
constexpr Statement update_late{
    .name = "messages.acknowledge_late",
    .sql =
        "UPDATE messages SET state = 'done', ended_at = $2 WHERE +recipient = $1 "
        "AND +state = 'dead' AND id IN (SELECT value FROM json_each($3))",
    .postgres =
        "UPDATE messages SET state = 'done', ended_at = $2 WHERE recipient || '' = $1 "
        "AND state || '' = 'dead' AND id = ANY(string_to_array($3, ','))"};
constexpr Statement update_back{
    .name = "messages.give_back",
    .sql =
        "UPDATE messages SET receipt = '' WHERE +recipient = $1 AND +state = 'waiting' "
        "AND receipt = $2 AND id IN (SELECT value FROM json_each($3))",
    .postgres =
        "UPDATE messages SET receipt = '' WHERE recipient || '' = $1 "
        "AND state || '' = 'waiting' AND receipt = $2 AND id = ANY(string_to_array($3, ','))"};
constexpr Statement select_out{
    .name = "inboxes.out",
    .sql =
        "SELECT 1 FROM inboxes WHERE recipient = $1 AND receipt = $2 AND leased > 0 "
        "AND leased_until > $3"};
constexpr Statement update_paused{
    .name = "inboxes.pause",
    .sql =
        "UPDATE inboxes SET leased = leased - $2, used_at = $4, "
        "leased_until = CASE WHEN set_at > $5 THEN $4 ELSE leased_until END, "
        "paused_until = CASE WHEN set_at > $5 OR paused_until < $3 THEN $3 ELSE paused_until END, "
        "set_at = $4 WHERE recipient = $1"};
constexpr Statement update_released{.name = "inboxes.release",
                                    .sql =
                                        "UPDATE inboxes SET leased = 0, receipt = '' "
                                        "WHERE recipient = $1 AND receipt = $2 AND leased > 0"};
constexpr Statement update_unread{
    .name = "messages.take_back",
    .sql =
        "UPDATE messages INDEXED BY messages_in_line SET deliveries = deliveries - 1, "
        "receipt = '' WHERE recipient = $1 AND state = 'waiting' AND position <= $3 "
        "AND receipt = $2",
    .postgres =
        "UPDATE messages SET deliveries = deliveries - 1, receipt = '' WHERE recipient = $1 "
        "AND state = 'waiting' AND position <= $3 AND receipt = $2"};
constexpr Statement update_renewed{
    .name = "inboxes.renew",
    .sql =
        "UPDATE inboxes SET leased_until = $3, set_at = $4 WHERE recipient = $1 AND receipt = $2 "
        "AND leased > 0 AND leased_until > $4"};

}  // namespace

Task<Result<std::uint64_t>> acknowledge(Session& session, std::string recipient,
                                        std::vector<std::string> ids, SystemTime ended_at,
                                        SystemTime now) {
    if (ids.empty()) co_return std::uint64_t{0};
    const auto wanted = ids_parameter(session.dialect(), ids);
    GH_CO_TRY(const auto rows, co_await session.query(update_done, recipient, ended_at, wanted));
    std::vector<Left> left;
    for (std::size_t i = 0; i < rows.size(); ++i)
        left.push_back({.recipient = recipient,
                        .receipt = rows[i].text(0),
                        .sender = rows[i].text(1),
                        .bytes = rows[i].integer(2)});
    std::uint64_t ended = left.size();
    GH_CO_TRY_VOID(co_await settle(session, std::move(left), now));
    if (ended < ids.size()) {  // who was slow may have done it all the same
        GH_CO_TRY(const auto late,
                  co_await session.execute(update_late, recipient, ended_at, wanted));
        ended += late;
    }
    co_return ended;
}

Task<Result<bool>> give_back(Session& session, std::string recipient, std::string receipt,
                             std::vector<std::string> ids, milliseconds delay, SystemTime now) {
    GH_CO_TRY(const auto out, co_await session.query_one(select_out, recipient, receipt, now));
    if (!out) co_return false;
    GH_CO_TRY(const auto back, co_await session.execute(update_back, recipient, receipt,
                                                        ids_parameter(session.dialect(), ids)));
    if (back == 0) co_return true;
    const auto rests_until = delay.count() > 0 ? now + delay : SystemTime{};
    GH_CO_TRY_VOID(co_await session.execute(update_paused, recipient, back, rests_until, now,
                                            now + clocks_apart));
    co_return true;
}

Task<Result<bool>> release(Session& session, std::string recipient, std::string receipt) {
    GH_CO_TRY(const auto released, co_await session.execute(update_released, recipient, receipt));
    co_return released > 0;
}

Task<Result<bool>> take_back(Session& session, std::string recipient, std::string receipt,
                             std::int64_t last_position) {
    GH_CO_TRY(const auto released, co_await session.execute(update_released, recipient, receipt));
    if (released == 0) co_return false;
    GH_CO_TRY_VOID(co_await session.execute(update_unread, recipient, receipt, last_position));
    co_return true;
}

Task<Result<bool>> renew(Session& session, std::string recipient, std::string receipt,
                         milliseconds lease, SystemTime now) {
    GH_CO_TRY(const auto renewed,
              co_await session.execute(update_renewed, recipient, receipt, now + lease, now));
    co_return renewed > 0;
}

}  // namespace gh::bus
