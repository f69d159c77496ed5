#include "bus/shares.hpp"

#include "base/try.hpp"
#include "codec/json_writer.hpp"
#include "storage/joined.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

// $1: rows as a list of lists, none of them twice.
constexpr std::string_view insert_into =
    "INSERT INTO message_shares (sender, recipient, messages, bytes, kept) SELECT ";
constexpr std::string_view of_list =
    "json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'), "
    "json_extract(value, '$[3]'), json_extract(value, '$[4]') FROM json_each($1) WHERE true ";
constexpr std::string_view of_list_postgres =
    "one ->> 0, one ->> 1, CAST(one ->> 2 AS bigint), CAST(one ->> 3 AS bigint), "
    "CAST(one ->> 4 AS bigint) FROM json_array_elements(CAST($1 AS json)) AS one ";
constexpr std::string_view add_up =
    "ON CONFLICT (sender, recipient) DO UPDATE SET "
    "messages = message_shares.messages + excluded.messages, "
    "bytes = message_shares.bytes + excluded.bytes, "
    "kept = message_shares.kept + excluded.kept RETURNING sender, recipient, messages, bytes, kept";
constexpr Statement enter{.name = "message_shares.enter",
                          .sql = storage::joined<insert_into, of_list, add_up>,
                          .postgres = storage::joined<insert_into, of_list_postgres, add_up>};

constexpr Statement remove_empty{
    .name = "message_shares.remove",
    .sql =
        "DELETE FROM message_shares WHERE sender = $1 AND recipient = $2 "
        "AND messages = 0 AND kept = 0"};

struct Entry {
    std::pair<std::string, std::string> key;  // sender, recipient; of all: ""
    std::int64_t messages = 0, bytes = 0, kept = 0;
};

/// As the parameter of `enter`. What an inbox has counts of nothing kept.
std::string list_of(const std::vector<Entry>& entries) {
    std::string list;
    codec::json::Writer out(list);
    out.begin_array();
    for (const auto& [key, messages, bytes, kept] : entries) {
        out.begin_array().string(key.first).string(key.second);
        out.integer(messages).integer(bytes);
        out.integer(key.second.empty() ? kept : 0).end_array();
    }
    out.end_array();
    return list;
}

}  // namespace

std::int64_t bytes_of(const Draft& draft) {
    return static_cast<std::int64_t>(draft.body.size()) + message_overhead_bytes;
}

Task<Result<void>> Shares::book(Session& session, const std::vector<Draft>& drafts) {
    for (const auto& draft : drafts) {
        for (const auto* recipient : {draft.recipient.c_str(), ""}) {
            auto& booked = shares_[{draft.sender, recipient}].booked;
            ++booked.messages;
            booked.bytes += bytes_of(draft);
        }
    }
    std::vector<Entry> entries;
    for (const auto& [key, share] : shares_)
        entries.push_back({key, share.booked.messages, share.booked.bytes, share.booked.bytes});
    GH_CO_TRY(const auto rows, co_await session.query(enter, list_of(entries)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto& share = shares_[{rows[i].text(0), rows[i].text(1)}];
        share.before = {.messages = rows[i].integer(2) - share.booked.messages,
                        .bytes = rows[i].integer(3) - share.booked.bytes};
        share.kept_before = rows[i].integer(4) - share.booked.bytes;
    }
    co_return Result<void>{};
}

std::string_view Shares::judge(const Draft& draft, const Limits& limits,
                               std::int64_t house_bytes) const {
    if (draft.sender == house_sender) return {};
    const auto bytes = bytes_of(draft);
    const auto& inbox = shares_.at({draft.sender, draft.recipient});
    const auto& house = shares_.at({draft.sender, ""});
    if (inbox.before.messages + inbox.taken.messages >= limits.share_messages_max ||
        house.before.bytes + house.taken.bytes + bytes > limits.share_bytes_max)
        return "bus.share_full";
    const bool kept_much = house.kept_before + house.taken.bytes + bytes > limits.share_bytes_max;
    return kept_much && limits.nearly_full(house_bytes) ? "bus.full" : "";
}

void Shares::take(const Draft& draft) {
    for (const auto* recipient : {draft.recipient.c_str(), ""}) {
        auto& taken = shares_.at({draft.sender, recipient}).taken;
        ++taken.messages;
        taken.bytes += bytes_of(draft);
    }
}

Task<Result<void>> Shares::give_back(Session& session) {
    std::vector<Entry> entries;
    for (const auto& [key, share] : shares_) {
        const auto messages = share.taken.messages - share.booked.messages;
        const auto bytes = share.taken.bytes - share.booked.bytes;
        if (messages != 0) entries.push_back({key, messages, bytes, bytes});
    }
    if (entries.empty()) co_return Result<void>{};
    GH_CO_TRY_VOID(co_await session.query(enter, list_of(entries)));
    // Nobody makes rows with what is refused.
    for (const auto& [key, share] : shares_) {
        if (share.taken.messages == 0)
            GH_CO_TRY_VOID(co_await session.execute(remove_empty, key.first, key.second));
    }
    co_return Result<void>{};
}

Task<Result<void>> enter_share_again(Session& session, Message message) {
    const std::vector<Entry> entries{{{message.sender, message.recipient}, 1, message.bytes, 0},
                                     {{message.sender, ""}, 1, message.bytes, 0}};
    GH_CO_TRY_VOID(co_await session.query(enter, list_of(entries)));
    co_return Result<void>{};
}

}  // namespace gh::bus
