#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/message.hpp"
#include "outbox/outbox.hpp"
#include "storage/session.hpp"

/// What is done with messages, each within a transaction of whoever calls. Called again, after it was undone, each does the
/// same again. Errors are those of the session.
///
/// An inbox is one line. What is given out is its head: the messages that were sent first, of those that are due. While
/// some of them are out, neither acknowledged nor given back nor beyond their lease, nothing else of the line is.
namespace gh::bus {

/// Comes before all else in a transaction that does one of these, behind audit::Log::lock() where both are wanted: bus writes
/// stand in line, over all nodes, so that positions are in the order of commits.
[[nodiscard]] Task<Result<void>> lock(storage::Session& session);

struct Limits {
    std::int64_t inbox_messages_max = 10'000;
    std::int64_t bytes_max = std::int64_t{1} << 30;  ///< of all that is kept
};
/// One outcome for each draft, in their order.
[[nodiscard]] Task<Result<std::vector<Sent>>> send(storage::Session& session,
                                                   std::vector<Draft> drafts, Limits limits,
                                                   SystemTime now);

/// What another room tells.
/// @return `exhausted` "bus.inbox_full", "bus.full"
[[nodiscard]] Task<Result<void>> post(storage::Session& session, outbox::Notice notice,
                                      Limits limits, SystemTime now);

struct Wish {
    std::string recipient;
    std::size_t messages_max = 1;  ///< at most `batch_messages_max`
    milliseconds lease{30'000};
    std::int64_t deliveries_max = 5;
};
/// Gives out the head of the line; nothing where it is out already, or nothing is due. One that was given out in vain twice
/// is given out by itself from then on, so that it takes no other with it when it is given up.
[[nodiscard]] Task<Result<Batch>> receive(storage::Session& session, Wish wish, SystemTime now);

/// Ends messages of this recipient, given out or not. Those that are unknown or have ended are passed over.
/// @param ids  each codec::is_uuid()
/// @return how many it has ended
[[nodiscard]] Task<Result<std::uint64_t>> acknowledge(storage::Session& session,
                                                      std::string recipient,
                                                      std::vector<std::string> ids, SystemTime now);

/// Gives back messages of a batch that is out; its line rests for so long then.
/// @return false: the batch is out no more
[[nodiscard]] Task<Result<bool>> give_back(storage::Session& session, std::string recipient,
                                           std::string receipt, std::vector<std::string> ids,
                                           milliseconds delay, SystemTime now);
/// Gives back all of it that is left, at once.
[[nodiscard]] Task<Result<bool>> release(storage::Session& session, std::string recipient,
                                         std::string receipt);
/// The lease ends `lease` from now.
/// @return false: the batch is out no more
[[nodiscard]] Task<Result<bool>> renew(storage::Session& session, std::string recipient,
                                       std::string receipt, milliseconds lease, SystemTime now);

}  // namespace gh::bus
