#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/message.hpp"
#include "storage/database.hpp"

namespace gh::bus {

/// Which messages, and from where: in the order of their sending, or backwards.
struct MessagePage {
    bool newest_first = false;
    std::size_t limit = 50;
    std::size_t offset = 0;
    std::int64_t bytes_max = 4 * 1024 * 1024;  ///< of what is read, but for one message
    std::optional<std::int64_t> after;         ///< go on behind this position
    std::optional<std::string> recipient, sender, conversation_id;
    std::optional<std::string> participant;  ///< its recipient or its sender
    std::optional<Kind> kind;
    bool dead_only = false;
};

struct MessageList {
    std::vector<Message> messages;
    /// Where to go on, with or without messages so far: one list looks through so many at most.
    std::optional<std::int64_t> next;
};

/// What was taken out of an inbox.
struct Emptied {
    std::string recipient;
    std::uint64_t messages = 0;
};

/// What is known of messages, whoever they are for. Errors besides storage's: `not_found` "message.unknown"; `conflict`
/// "message.not_dead", "message.over" (it has ended).
class MessageRepository {
 public:
    explicit MessageRepository(storage::Database& database) : database_(database) {}

    [[nodiscard]] Task<Result<Message>> find(std::string id);
    [[nodiscard]] Task<Result<MessageList>> list(MessagePage page);

    /// Puts one that was given up back into its line, where it stood.
    /// @param waiting_kept  it expires when it has waited so long
    [[nodiscard]] Task<Result<Message>> replay(std::string id, SystemTime now, seconds waiting_kept,
                                               storage::Also<Message> also = {});
    /// Forgets one that waits, or was given up.
    [[nodiscard]] Task<Result<Message>> remove(std::string id, SystemTime now,
                                               storage::Also<Message> also = {});
    /// Forgets what waits in an inbox, some at a time; 0: there is nothing more.
    [[nodiscard]] Task<Result<Emptied>> empty(std::string recipient, SystemTime now,
                                              storage::Also<Emptied> also = {});

    // Some at a time: so many, and of so many bytes but for one message.
    static constexpr std::size_t ended_at_once = 500;
    static constexpr std::int64_t ended_bytes_at_once = 16 * 1024 * 1024;
    /// Ends some that nobody wanted in time; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> expire(SystemTime now);
    /// Ends some of what waits for somebody who will not come; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> expire_inbox(std::string recipient, SystemTime now);
    /// Inboxes with something in them, by their names, behind this one.
    [[nodiscard]] Task<Result<std::vector<std::string>>> used_inboxes(std::string after,
                                                                      std::size_t limit);
    struct Kept {
        SystemTime done_since, dead_since;
    };
    /// Forgets some of what had ended before, and of inboxes and shares that nobody uses; how many messages.
    [[nodiscard]] Task<Result<std::uint64_t>> purge(Kept kept);
    /// Bytes of all that is kept.
    [[nodiscard]] Task<Result<std::int64_t>> bytes();

    static constexpr std::size_t awake_max = 1'000;  ///< of each kind
    struct Awake {
        std::map<std::string, SystemTime> inboxes;  ///< and of when that is, the last time
        bool cut = false;                           ///< there are more
    };
    /// Whose line may have something to give out that it had not before: what is due, leases and pauses that are over, and
    /// what other nodes and verbs of the shell have sent.
    [[nodiscard]] Task<Result<Awake>> awake(SystemTime since, SystemTime now);

    struct Depth {
        std::string recipient;
        std::int64_t messages = 0;
    };
    /// The fullest inboxes of agents, and of others; empty ones too.
    [[nodiscard]] Task<Result<std::vector<Depth>>> depths(std::size_t agents_max,
                                                          std::size_t others_max);

 private:
    storage::Database& database_;
};

}  // namespace gh::bus
