#include "bus/message_repository.hpp"

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

constexpr std::string_view by_id = "id = $1";
constexpr Statement select_one{.name = "messages.find",
                               .sql = storage::joined<message_columns, by_id>};
constexpr Statement update_replayed{
    .name = "messages.replay",
    .sql =
        "UPDATE messages SET state = 'waiting', deliveries = 0, receipt = '', ended_at = NULL, "
        "ends_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END WHERE id = $1"};
constexpr Statement enter_again{
    .name = "inboxes.enter_again",
    .sql =
        "INSERT INTO inboxes (recipient, messages, used_at, of_agent) VALUES ($1, 1, $2, $3) "
        "ON CONFLICT (recipient) DO UPDATE SET messages = inboxes.messages + 1, used_at = $2"};
constexpr Statement delete_one{.name = "messages.remove",
                               .sql = "DELETE FROM messages WHERE id = $1"};

Task<Result<Message>> read(Session& session, std::string id) {
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, std::move(id)));
    if (!row) co_return fail(ErrorKind::not_found, "message.unknown");
    co_return message_of(*row);
}

Task<Result<Message>> put_back(Session& session, std::string id, SystemTime now,
                               seconds waiting_kept) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(const auto message, co_await read(session, id));
    if (message.state != State::dead) co_return fail(ErrorKind::conflict, "message.not_dead");
    GH_CO_TRY_VOID(co_await session.execute(update_replayed, id, now + waiting_kept));
    GH_CO_TRY_VOID(co_await session.execute(enter_again, message.recipient, now,
                                            codec::is_uuid(message.recipient) ? 1 : 0));
    GH_CO_TRY_VOID(co_await enter_share_again(session, message));
    GH_CO_TRY(const auto row, co_await session.query_one(select_one, id));
    co_return message_of(*row);
}

Task<Result<Message>> take_away(Session& session, std::string id, SystemTime now) {
    GH_CO_TRY_VOID(co_await lock(session));
    GH_CO_TRY(auto message, co_await read(session, id));
    if (message.state != State::dead && message.state != State::waiting)
        co_return fail(ErrorKind::conflict, "message.over");
    GH_CO_TRY_VOID(co_await session.execute(delete_one, id));
    std::vector<Left> gone(1);
    gone[0] = {.recipient = message.recipient,
               .receipt = message.receipt,
               .sender = message.sender,
               .bytes = message.bytes};
    if (message.state == State::waiting) GH_CO_TRY_VOID(co_await settle(session, gone, now));
    GH_CO_TRY_VOID(co_await forget_bytes(session, std::move(gone)));
    co_return message;
}

}  // namespace

Task<Result<Message>> MessageRepository::find(std::string id) {
    GH_CO_TRY(const auto rows, co_await database_.query(select_one, std::move(id)));
    if (rows.empty()) co_return fail(ErrorKind::not_found, "message.unknown");
    co_return message_of(rows[0]);
}

Task<Result<Message>> MessageRepository::replay(std::string id, SystemTime now,
                                                seconds waiting_kept, storage::Also<Message> also) {
    auto work = [id = std::move(id), now, waiting_kept, also = std::move(also)](Session& session) {
        return storage::with_also(session, put_back(session, id, now, waiting_kept), also);
    };
    co_return co_await database_.write(std::move(work));
}

Task<Result<Message>> MessageRepository::remove(std::string id, SystemTime now,
                                                storage::Also<Message> also) {
    auto work = [id = std::move(id), now, also = std::move(also)](Session& session) {
        return storage::with_also(session, take_away(session, id, now), also);
    };
    co_return co_await database_.write(std::move(work));
}

}  // namespace gh::bus
