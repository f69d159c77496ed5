#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace gh::bus {

enum class Kind : std::uint8_t {
    message,       ///< from one to another, perhaps of a conversation
    notification,  ///< something has happened
    task,          ///< a task was given to the recipient
};
inline constexpr std::array kinds{Kind::message, Kind::notification, Kind::task};

/// What became of a message.
enum class State : std::uint8_t {
    waiting,  ///< to be given out, or given out and not acknowledged
    done,     ///< acknowledged
    dead,     ///< given out as often as may be, in vain
    expired,  ///< nobody wanted it in time
};
inline constexpr std::array states{State::waiting, State::done, State::dead, State::expired};

[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name);
[[nodiscard]] std::string_view name_of(State state);
[[nodiscard]] std::optional<State> state_of(std::string_view name);

inline constexpr std::size_t address_bytes_max = 256;
inline constexpr std::size_t conversation_id_bytes_max = 128;
inline constexpr std::size_t type_bytes_max = 64;
inline constexpr std::size_t batch_messages_max = 100;
inline constexpr std::size_t batch_bytes_max = 1024 * 1024;  ///< of bodies given out together
/// What a message counts beside its body, where bytes are limited.
inline constexpr std::int64_t message_overhead_bytes = 512;

/// A message is asked to be given out so long from now at the latest.
inline constexpr seconds deliver_at_most{30 * 86'400};

/// codec::is_uuid() of version 4: ids of notifications.
[[nodiscard]] bool is_uuid_v4(std::string_view text);
/// Printable ASCII without spaces, at most `address_bytes_max`: "user:ada", or the id of an agent.
[[nodiscard]] bool valid_address(std::string_view text);
/// "TYPE:NAME" of a type that there is: nobody else reads.
[[nodiscard]] bool is_address_of_others(std::string_view text);
/// a-z, 0-9 and _-./ beginning with a letter or digit.
[[nodiscard]] bool valid_type(std::string_view text);

/// A message that is to be sent.
struct Draft {
    std::string id;  ///< a UUID; empty: one is made
    Kind kind = Kind::message;
    std::string recipient, sender;
    std::optional<std::string> conversation_id;
    std::string type;
    std::string body = "{}";  ///< a JSON object
    std::string trace;        ///< a traceparent; empty: none
    std::optional<SystemTime> deliver_at, expires_at;
    std::int64_t conversation_max =
        0;  ///< messages of the conversation, with this one; 0: no limit
};

/// What became of a draft. A refusal is no error: others that are sent at the same time are sent.
struct Sent {
    /// "bus.inbox_full", "bus.share_full", "bus.full", "bus.conversation_full", "bus.id_taken"; empty: it is sent. Static
    /// storage.
    std::string_view refusal;
    std::string id;
    SystemTime created_at;
    bool is_new = true;  ///< not: the same was sent before
};

struct Message {
    std::int64_t position = 0;
    std::string id;
    Kind kind = Kind::message;
    std::string recipient, sender;
    std::optional<std::string> conversation_id;
    std::string type, body, trace;
    State state = State::waiting;
    std::int64_t deliveries = 0;
    std::int64_t bytes = 0;
    std::string receipt;
    SystemTime created_at;
    std::optional<SystemTime> deliver_at, expires_at, ended_at;
};

/// Was this what the draft says when it was sent?
[[nodiscard]] bool is_same(const Message& known, const Draft& draft);

/// What is given out together.
struct Batch {
    std::string receipt;  ///< a UUID; empty where there is nothing
    SystemTime leased_until;
    std::vector<Message> messages;  ///< in their order
    std::vector<std::string> dead;  ///< ids of those that were given up on the way
};

}  // namespace gh::bus
