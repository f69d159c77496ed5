#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/inbox.hpp"
#include "bus/message.hpp"
#include "storage/session.hpp"

namespace gh::bus {

/// What a message counts where bytes are limited.
[[nodiscard]] std::int64_t bytes_of(const Draft& draft);

/// What the senders of some drafts have already, while these are sent: within one transaction, under the lock. So nobody fills
/// an inbox, or the house, for all others.
class Shares {
 public:
    /// Counts all of them, as if all were sent, and reads what there was before.
    [[nodiscard]] Task<Result<void>> book(storage::Session& session,
                                          const std::vector<Draft>& drafts);
    /// @param house_bytes  what is kept of all senders
    /// @return "bus.share_full", or "bus.full" where the house is nearly full; empty: it may be sent
    [[nodiscard]] std::string_view judge(const Draft& draft, const Limits& limits,
                                         std::int64_t house_bytes) const;
    /// It is sent.
    void take(const Draft& draft);
    /// Those that were counted and not sent.
    [[nodiscard]] Task<Result<void>> give_back(storage::Session& session);

 private:
    struct Count {
        std::int64_t messages = 0, bytes = 0;
    };
    struct Share {
        Count booked, taken, before;
        std::int64_t kept_before = 0;
    };
    using Key = std::pair<std::string, std::string>;  // sender, recipient; of all: ""
    std::map<Key, Share> shares_;
};

/// One of them waits again.
[[nodiscard]] Task<Result<void>> enter_share_again(storage::Session& session, Message message);

}  // namespace gh::bus
