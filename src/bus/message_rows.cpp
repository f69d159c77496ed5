#include "bus/message_rows.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <utility>

#include "base/try.hpp"

namespace gh::bus {
namespace {

// A receipt of an older batch counts there no more.
constexpr storage::Statement update_left{
    .name = "inboxes.leave",
    .sql =
        "UPDATE inboxes SET messages = messages - $2, "
        "leased = CASE WHEN receipt = $3 AND receipt <> '' THEN leased - $2 ELSE leased END, "
        "used_at = CASE WHEN used_at < $4 THEN $4 ELSE used_at END WHERE recipient = $1"};
constexpr storage::Statement update_share{
    .name = "message_shares.leave",
    .sql =
        "UPDATE message_shares SET messages = messages - $3, bytes = bytes - $4 "
        "WHERE sender = $1 AND recipient IN ($2, '')"};
constexpr storage::Statement update_kept{
    .name = "message_shares.forget",
    .sql = "UPDATE message_shares SET kept = kept - $2 WHERE sender = $1 AND recipient = ''"};
constexpr storage::Statement update_bytes{
    .name = "messages.forget", .sql = "UPDATE message_totals SET bytes = bytes - $1 WHERE one = 1"};

}  // namespace

Message message_of(const storage::Row& row) {
    Message message;
    message.position = row.integer(0);
    message.id = row.text(1);
    message.kind = kind_of(row.text(2)).value_or(Kind::message);
    message.recipient = row.text(3);
    message.sender = row.text(4);
    message.conversation_id = row.optional_text(5);
    message.type = row.text(6);
    message.body = row.text(7);
    message.bytes = row.integer(8);
    message.trace = row.text(9);
    message.state = state_of(row.text(10)).value_or(State::dead);
    message.deliveries = row.integer(11);
    message.receipt = row.text(12);
    message.created_at = row.time(13);
    message.deliver_at = row.optional_time(14);
    message.expires_at = row.optional_time(15);
    message.ended_at = row.optional_time(16);
    return message;
}

std::vector<Message> messages_of(const storage::Rows& rows) {
    std::vector<Message> found;
    found.reserve(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) found.push_back(message_of(rows[i]));
    return found;
}

std::string ids_parameter(storage::Dialect dialect, const std::vector<std::string>& ids) {
    const bool json = dialect == storage::Dialect::sqlite;
    std::string text = json ? "[" : "";
    for (const auto& id : ids) {
        if (&id != &ids.front()) text += ',';
        text += json ? '"' + id + '"' : id;
    }
    return json ? text + "]" : text;
}

std::string positions_parameter(storage::Dialect dialect,
                                const std::vector<std::int64_t>& positions) {
    auto text = fmt::format("{}", fmt::join(positions, ","));
    return dialect == storage::Dialect::sqlite ? "[" + text + "]" : text;
}

Task<Result<void>> settle(storage::Session& session, std::vector<Left> left, SystemTime now) {
    struct Count {
        std::int64_t messages = 0, bytes = 0;
    };
    using Pair = std::pair<std::string, std::string>;
    std::map<Pair, std::int64_t> counts;
    std::map<Pair, Count> shares;
    for (auto& one : left) {
        auto& share = shares[{std::move(one.sender), one.recipient}];
        ++share.messages;
        share.bytes += one.bytes;
        ++counts[{std::move(one.recipient), std::move(one.receipt)}];
    }
    using storage::to_value;
    std::vector<storage::Parameters> inboxes, senders;
    for (const auto& [of, count] : counts)
        inboxes.push_back(
            {to_value(of.first), to_value(count), to_value(of.second), to_value(now)});
    for (const auto& [of, count] : shares)
        senders.push_back({to_value(of.first), to_value(of.second), to_value(count.messages),
                           to_value(count.bytes)});
    GH_CO_TRY_VOID(co_await session.execute_many(update_left, std::move(inboxes)));
    GH_CO_TRY_VOID(co_await session.execute_many(update_share, std::move(senders)));
    co_return Result<void>{};
}

Task<Result<void>> forget_bytes(storage::Session& session, std::vector<Left> gone) {
    std::map<std::string, std::int64_t> by_sender;
    std::int64_t all = 0;
    for (auto& one : gone) {
        all += one.bytes;
        by_sender[std::move(one.sender)] += one.bytes;
    }
    for (const auto& [sender, bytes] : by_sender)
        GH_CO_TRY_VOID(co_await session.execute(update_kept, sender, bytes));
    // Nothing to forget is nothing to write.
    if (all > 0) GH_CO_TRY_VOID(co_await session.execute(update_bytes, all));
    co_return Result<void>{};
}

}  // namespace gh::bus
