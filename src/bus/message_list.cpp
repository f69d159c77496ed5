#include <algorithm>
#include <limits>

#include "base/try.hpp"
#include "bus/message_repository.hpp"
#include "bus/message_rows.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

constexpr std::size_t looked_at_once = 1'000;
constexpr std::size_t looked_at_max = 10'000;  // and the offset

// Some of a list, behind $1, be it before the first of all. What $3 is stands in the clause.
constexpr std::string_view traits = "SELECT position, kind, recipient, sender, bytes ";
constexpr std::string_view all;
constexpr std::string_view of_recipient = "recipient = $3 AND ";
constexpr std::string_view of_sender = "sender = $3 AND ";
constexpr std::string_view of_conversation = "conversation_id = $3 AND ";
constexpr std::string_view of_dead = "state = 'dead' AND ";
constexpr std::string_view oldest = "position > $1 ORDER BY position LIMIT $2";
constexpr std::string_view newest = "position < $1 ORDER BY position DESC LIMIT $2";
template <const std::string_view& which, const std::string_view& order>
constexpr Statement some_of{.name = "messages.list",
                            .sql = storage::joined<traits, from_messages, which, order>};

template <const std::string_view& which>
const Statement& in_order(const MessagePage& page) {
    return page.newest_first ? some_of<which, newest> : some_of<which, oldest>;
}

constexpr std::string_view among = "position IN (SELECT value FROM json_each($1))";
constexpr std::string_view among_postgres = "position = ANY(string_to_array($1, ',')::bigint[])";
constexpr Statement select_chosen{.name = "messages.read",
                                  .sql = storage::joined<message_columns, among>,
                                  .postgres = storage::joined<message_columns, among_postgres>};

/// Which of its conditions an index leads by; the others are judged by reading.
struct Way {
    const Statement* statement;
    const std::optional<std::string>* key = nullptr;
};

Way way_of(const MessagePage& page) {
    if (page.dead_only) return {&in_order<of_dead>(page)};
    if (page.conversation_id) return {&in_order<of_conversation>(page), &page.conversation_id};
    // Somebody's own are fewer than all that others have to do with a third.
    const bool of_others = page.participant && page.recipient != page.participant;
    if (page.recipient && !(of_others && page.sender))
        return {&in_order<of_recipient>(page), &page.recipient};
    if (page.sender) return {&in_order<of_sender>(page), &page.sender};
    return {&in_order<all>(page)};
}

/// Who is neither sees what the participant had to do with them.
MessagePage narrowed(MessagePage page) {
    if (!page.participant) return page;
    if (page.recipient && page.recipient != page.participant && !page.sender)
        page.sender = page.participant;
    if (page.sender && page.sender != page.participant && !page.recipient)
        page.recipient = page.participant;
    return page;
}

bool fits(const MessagePage& page, const storage::Row& row) {
    const auto kind = kind_of(row.text(1));
    const auto& recipient = row.text(2);
    const auto& sender = row.text(3);
    return (!page.kind || page.kind == kind) && (!page.recipient || *page.recipient == recipient) &&
           (!page.sender || *page.sender == sender) &&
           (!page.participant || *page.participant == recipient || *page.participant == sender);
}

/// Goes through a list until there are as many as are wanted.
struct Walk {
    const MessagePage& page;
    std::size_t left_out = 0, looked_at = 0;
    std::int64_t bytes = 0;
    std::int64_t behind = 0;  ///< the last that was looked at
    std::vector<std::int64_t> chosen;
    bool over = false;  ///< there may be more, and they are not looked at

    void look_at(const storage::Row& row) {
        const auto position = row.integer(0);
        if (fits(page, row)) {
            const auto size = row.integer(4);
            const bool full =
                chosen.size() == page.limit || (!chosen.empty() && bytes + size > page.bytes_max);
            over = left_out == page.offset && full;
            if (over) return;
            if (left_out < page.offset) {
                ++left_out;
            } else {
                chosen.push_back(position);
                bytes += size;
            }
        }
        behind = position;
        over = ++looked_at == looked_at_max + page.offset;
    }
};

Task<Result<MessageList>> read_list(Session& session, MessagePage wanted) {
    const auto page = narrowed(std::move(wanted));
    const auto way = way_of(page);
    constexpr auto last = std::numeric_limits<std::int64_t>::max();
    Walk walk{.page = page, .chosen = {}};
    walk.behind = page.after.value_or(page.newest_first ? last : 0);
    const auto at_once = std::clamp(page.limit + page.offset + 1, std::size_t{1}, looked_at_once);
    for (bool more = true; more && !walk.over;) {
        storage::Parameters parameters{storage::to_value(walk.behind), storage::to_value(at_once)};
        if (way.key != nullptr) parameters.push_back(storage::to_value(**way.key));
        GH_CO_TRY(const auto rows, co_await session.run(*way.statement, std::move(parameters)));
        for (std::size_t i = 0; i < rows.size() && !walk.over; ++i) walk.look_at(rows[i]);
        more = rows.size() == at_once;
    }
    MessageList list;
    if (walk.over) list.next = walk.behind;
    if (walk.chosen.empty()) co_return list;
    GH_CO_TRY(
        const auto rows,
        co_await session.query(select_chosen, positions_parameter(session.dialect(), walk.chosen)));
    list.messages = messages_of(rows);
    std::ranges::sort(list.messages, {}, &Message::position);
    if (page.newest_first) std::ranges::reverse(list.messages);
    co_return list;
}

}  // namespace

Task<Result<MessageList>> MessageRepository::list(MessagePage page) {
    auto work = [page = std::move(page)](Session& session) { return read_list(session, page); };
    co_return co_await database_.read(std::move(work));
}

}  // namespace gh::bus
