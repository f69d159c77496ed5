#include "bus/revoke.hpp"

#include <utility>

#include "base/try.hpp"
#include "bus/inbox.hpp"
#include "bus/message_rows.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::joined;
using storage::Session;
using storage::Statement;

// Of more the rest is ended by the next call, in a transaction of its own: the whole house waits for this one.
constexpr std::int64_t ended_at_once = 1'000;

constexpr std::string_view count_them =
    "SELECT count(*) FROM messages WHERE state = 'waiting' AND ";
constexpr std::string_view end_them =
    "UPDATE messages SET state = 'expired', ended_at = $2 WHERE position IN "
    "(SELECT position FROM messages WHERE state = 'waiting' AND ";
constexpr std::string_view to_them = "recipient IN (SELECT value FROM json_each($1))";
constexpr std::string_view to_them_postgres =
    "recipient IN (SELECT json_array_elements_text(CAST($1 AS json)))";
constexpr std::string_view from_them = "sender IN (SELECT value FROM json_each($1))";
constexpr std::string_view from_them_postgres =
    "sender IN (SELECT json_array_elements_text(CAST($1 AS json)))";
// Messages to oneself are in the inbox.
constexpr std::string_view to_others = " AND NOT recipient IN (SELECT value FROM json_each($2))";
constexpr std::string_view to_others_postgres =
    " AND NOT recipient IN (SELECT json_array_elements_text(CAST($2 AS json)))";
constexpr std::string_view some = " LIMIT $3) RETURNING recipient, receipt, sender, bytes";

constexpr Statement count_inbox{.name = "messages.count_inbox",
                                .sql = joined<count_them, to_them>,
                                .postgres = joined<count_them, to_them_postgres>};
constexpr Statement count_sent{
    .name = "messages.count_sent",
    .sql = joined<count_them, from_them, to_others>,
    .postgres = joined<count_them, from_them_postgres, to_others_postgres>};
constexpr Statement end_inbox{.name = "messages.end_inbox",
                              .sql = joined<end_them, to_them, some>,
                              .postgres = joined<end_them, to_them_postgres, some>};
constexpr Statement end_sent{.name = "messages.end_sent",
                             .sql = joined<end_them, from_them, some>,
                             .postgres = joined<end_them, from_them_postgres, some>};

Task<Result<void>> end_those(Session& session, const Statement& statement, std::string addresses,
                             SystemTime now) {
    GH_CO_TRY(const auto rows,
              co_await session.query(statement, std::move(addresses), now, ended_at_once));
    std::vector<Left> left;
    for (std::size_t i = 0; i < rows.size(); ++i)
        left.push_back({.recipient = rows[i].text(0),
                        .receipt = rows[i].text(1),
                        .sender = rows[i].text(2),
                        .bytes = rows[i].integer(3)});
    co_return co_await settle(session, std::move(left), now);
}

}  // namespace

Task<Result<void>> RevocableMessages::lock(Session& session) { return bus::lock(session); }

Task<Result<std::vector<access::Holding>>> RevocableMessages::look(Session& session,
                                                                   access::Whom whom,
                                                                   SystemTime /*now*/) {
    const auto inboxes = access::list_of_inboxes(whom);
    GH_CO_TRY(const auto inbox, co_await session.query(count_inbox, inboxes));
    GH_CO_TRY(const auto sent,
              co_await session.query(count_sent, access::list_of_senders(whom), inboxes));
    std::vector<access::Holding> found{{.kind = "inbox", .count = inbox[0].integer(0)},
                                       {.kind = "sent", .count = sent[0].integer(0)}};
    co_return found;
}

Task<Result<void>> RevocableMessages::end(Session& session, access::Whom whom, SystemTime now) {
    GH_CO_TRY_VOID(co_await end_those(session, end_inbox, access::list_of_inboxes(whom), now));
    co_return co_await end_those(session, end_sent, access::list_of_senders(whom), now);
}

}  // namespace gh::bus
