#include "bus/shares.hpp"

#include "base/try.hpp"

namespace gh::bus {
namespace {

using storage::Session;
using storage::Statement;

constexpr Statement enter{
    .name = "message_shares.enter",
    .sql =
        "INSERT INTO message_shares (sender, recipient, messages, bytes, kept) "
        "VALUES ($1, $2, $3, $4, 0), ($1, '', $3, $4, $5) "
        "ON CONFLICT (sender, recipient) DO UPDATE SET "
        "messages = message_shares.messages + excluded.messages, "
        "bytes = message_shares.bytes + excluded.bytes, "
        "kept = message_shares.kept + excluded.kept RETURNING recipient, messages, bytes, kept"};

constexpr Statement remove_empty{
    .name = "message_shares.remove",
    .sql =
        "DELETE FROM message_shares WHERE sender = $1 AND recipient IN ($2, '') "
        "AND messages = 0 AND kept = 0"};

}  // namespace

std::int64_t bytes_of(const Draft& draft) {
    return static_cast<std::int64_t>(draft.body.size()) + message_overhead_bytes;
}

Task<Result<void>> Shares::book_one(Session& session, Key key, Count count) {
    GH_CO_TRY(const auto rows, co_await session.query(enter, key.first, key.second, count.messages,
                                                      count.bytes, count.bytes));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto& share = shares_[{key.first, rows[i].text(0)}];
        // Of all inboxes together, the first time says what there was.
        if (share.booked.messages == 0) {
            share.before = {.messages = rows[i].integer(1) - count.messages,
                            .bytes = rows[i].integer(2) - count.bytes};
            share.kept_before = rows[i].integer(3) - count.bytes;
        }
        share.booked.messages += count.messages;
        share.booked.bytes += count.bytes;
    }
    co_return Result<void>{};
}

Task<Result<void>> Shares::book(Session& session, const std::vector<Draft>& drafts) {
    std::map<Key, Count> wanted;
    for (const auto& draft : drafts) {
        auto& count = wanted[{draft.sender, draft.recipient}];
        ++count.messages;
        count.bytes += bytes_of(draft);
    }
    for (const auto& [key, count] : wanted) GH_CO_TRY_VOID(co_await book_one(session, key, count));
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
    for (const auto& [key, share] : shares_) {
        const auto messages = share.taken.messages - share.booked.messages;
        const auto bytes = share.taken.bytes - share.booked.bytes;
        if (key.second.empty() || messages == 0) continue;
        GH_CO_TRY_VOID(
            co_await session.query(enter, key.first, key.second, messages, bytes, bytes));
        // Nobody makes rows with what is refused.
        if (share.taken.messages == 0)
            GH_CO_TRY_VOID(co_await session.execute(remove_empty, key.first, key.second));
    }
    co_return Result<void>{};
}

Task<Result<void>> enter_share_again(Session& session, Message message) {
    GH_CO_TRY_VOID(co_await session.query(enter, message.sender, message.recipient, 1,
                                          message.bytes, std::int64_t{0}));
    co_return Result<void>{};
}

}  // namespace gh::bus
