#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/message.hpp"
#include "storage/joined.hpp"
#include "storage/session.hpp"

namespace gh::bus {

/// What message_of() reads.
inline constexpr std::string_view message_fields =
    "SELECT position, id, kind, recipient, sender, conversation_id, type, body, bytes, trace, "
    "state, deliveries, receipt, created_at, deliver_at, expires_at, ended_at ";
inline constexpr std::string_view from_messages = "FROM messages WHERE ";
inline constexpr std::string_view message_columns = storage::joined<message_fields, from_messages>;
[[nodiscard]] Message message_of(const storage::Row& row);
[[nodiscard]] std::vector<Message> messages_of(const storage::Rows& rows);

/// Ids as one parameter of a statement that looks for any of them. Each codec::is_uuid().
[[nodiscard]] std::string ids_parameter(storage::Dialect dialect,
                                        const std::vector<std::string>& ids);

/// A message that has left its inbox.
struct Left {
    std::string recipient, receipt;
    std::int64_t bytes = 0;
};
/// Takes them off the counts of their inboxes.
[[nodiscard]] Task<Result<void>> settle(storage::Session& session, std::vector<Left> left,
                                        SystemTime now);

}  // namespace gh::bus
