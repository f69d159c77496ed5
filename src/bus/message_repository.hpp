#pragma once

#include <cstddef>
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
    std::optional<std::int64_t> after;  ///< go on behind this position
    std::optional<std::string> recipient, sender, conversation_id;
    std::optional<std::string> participant;  ///< its recipient or its sender
    std::optional<Kind> kind;
    bool dead_only = false;
};

/// What is known of messages, whoever they are for. Errors besides storage's: `not_found` "message.unknown"; `conflict`
/// "message.not_dead".
class MessageRepository {
 public:
    explicit MessageRepository(storage::Database& database) : database_(database) {}

    [[nodiscard]] Task<Result<Message>> find(std::string id);
    [[nodiscard]] Task<Result<std::vector<Message>>> list(MessagePage page);

    /// Puts one that was given up back into its line, where it stood.
    [[nodiscard]] Task<Result<Message>> replay(std::string id, SystemTime now,
                                               storage::Also<Message> also = {});
    /// Forgets one that was given up.
    [[nodiscard]] Task<Result<Message>> remove(std::string id, storage::Also<Message> also = {});

    static constexpr std::size_t ended_at_once = 500;
    /// Ends those that nobody wanted in time, at most `ended_at_once`; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> expire(SystemTime now);
    struct Kept {
        SystemTime done_since, dead_since;
    };
    /// Forgets what had ended before, at most `ended_at_once` of either kind, and inboxes that nobody uses; how many.
    [[nodiscard]] Task<Result<std::uint64_t>> purge(Kept kept);
    /// Bytes of all that is kept.
    [[nodiscard]] Task<Result<std::int64_t>> bytes();

    static constexpr std::size_t awake_max = 1'000;
    /// Whose line may have something to give out that it had not before: what is due, leases and pauses that are over, and
    /// what other nodes and verbs of the shell have sent.
    [[nodiscard]] Task<Result<std::vector<std::string>>> awake(SystemTime since, SystemTime now);

    struct Depth {
        std::string recipient;
        std::int64_t messages = 0;
    };
    /// The fullest inboxes, empty ones too.
    [[nodiscard]] Task<Result<std::vector<Depth>>> depths(std::size_t limit);

 private:
    storage::Database& database_;
};

}  // namespace gh::bus
