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
    "position, id, kind, recipient, sender, conversation_id, type, body, bytes, trace, "
    "state, deliveries, receipt, created_at, deliver_at, expires_at, ended_at ";
inline constexpr std::string_view select_word = "SELECT ";
inline constexpr std::string_view from_messages = "FROM messages WHERE ";
inline constexpr std::string_view message_columns =
    storage::joined<select_word, message_fields, from_messages>;
[[nodiscard]] Message message_of(const storage::Row& row);
[[nodiscard]] std::vector<Message> messages_of(const storage::Rows& rows);

/// Clocks of two nodes are no further apart. A lease or a pause that was set later than this has not been: the clock has
/// stepped back, and would keep the line shut until it comes there again.
inline constexpr seconds clocks_apart{60};

/// Ids as one parameter of a statement that looks for any of them. Each codec::is_uuid().
[[nodiscard]] std::string ids_parameter(storage::Dialect dialect,
                                        const std::vector<std::string>& ids);
/// The same of positions.
[[nodiscard]] std::string positions_parameter(storage::Dialect dialect,
                                              const std::vector<std::int64_t>& positions);

/// A message that waits no more.
struct Left {
    std::string recipient, receipt, sender;
    std::int64_t bytes = 0;
};
/// Takes them off the counts of their inboxes, and off their senders' shares.
[[nodiscard]] Task<Result<void>> settle(storage::Session& session, std::vector<Left> left,
                                        SystemTime now);
/// Messages that are kept no more: takes them off what their senders have in the house, and off its bytes.
[[nodiscard]] Task<Result<void>> forget_bytes(storage::Session& session, std::vector<Left> gone);

}  // namespace gh::bus
