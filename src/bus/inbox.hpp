#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/config.hpp"
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
    /// Of one sender that wait in one inbox.
    std::int64_t share_messages_max = 10'000;
    /// Of one sender that wait in all of them; and of all that is kept of it, once the house is nearly full.
    std::int64_t share_bytes_max = std::int64_t{1} << 30;
    seconds waiting_kept{30 * 86'400};  ///< what waits longer expires
    /// Is there so little place that what has ended goes before its time?
    [[nodiscard]] bool nearly_full(std::int64_t bytes) const { return bytes > bytes_max / 10 * 9; }
};
[[nodiscard]] Limits limits_of(const BusConfig& config);
/// Of what the house tells by itself: it has no share.
inline constexpr std::string_view house_sender = "gatehouse";
/// One outcome for each draft, in their order.
[[nodiscard]] Task<Result<std::vector<Sent>>> send(storage::Session& session,
                                                   std::vector<Draft> drafts, Limits limits,
                                                   SystemTime now);

/// What another room tells.
/// @return `exhausted` "bus.inbox_full", "bus.share_full", "bus.full"
[[nodiscard]] Task<Result<void>> post(storage::Session& session, outbox::Notice notice,
                                      Limits limits, SystemTime now);

struct Wish {
    std::string recipient;
    std::size_t messages_max = 1;  ///< at most `batch_messages_max`
    milliseconds lease{30'000};
    std::int64_t deliveries_max = 5;
};
/// Whether there may be something to give out: looks only.
[[nodiscard]] Task<Result<bool>> has_some(storage::Session& session, std::string recipient,
                                          SystemTime now);
/// Gives out the head of the line; nothing where it is out already, or nothing is due. One that was given out in vain twice
/// is given out by itself from then on, so that it takes no other with it when it is given up.
[[nodiscard]] Task<Result<Batch>> receive(storage::Session& session, Wish wish, SystemTime now);

/// Ends messages of this recipient, given out or not. Those that are unknown or have ended are passed over.
/// @param ids  each codec::is_uuid()
/// @param ended_at  when it was said; not after `now`
/// @return how many it has ended
[[nodiscard]] Task<Result<std::uint64_t>> acknowledge(storage::Session& session,
                                                      std::string recipient,
                                                      std::vector<std::string> ids,
                                                      SystemTime ended_at, SystemTime now);

/// Gives back messages of a batch that is out; its line rests for so long then.
/// @return false: the batch is out no more
[[nodiscard]] Task<Result<bool>> give_back(storage::Session& session, std::string recipient,
                                           std::string receipt, std::vector<std::string> ids,
                                           milliseconds delay, SystemTime now);
/// Gives back all of it that is left, at once.
[[nodiscard]] Task<Result<bool>> release(storage::Session& session, std::string recipient,
                                         std::string receipt);
/// The same of a batch that nobody has read: it does not count as given out.
/// @param last_position  of the batch
[[nodiscard]] Task<Result<bool>> take_back(storage::Session& session, std::string recipient,
                                           std::string receipt, std::int64_t last_position);
/// The lease ends `lease` from now.
/// @return false: the batch is out no more
[[nodiscard]] Task<Result<bool>> renew(storage::Session& session, std::string recipient,
                                       std::string receipt, milliseconds lease, SystemTime now);

}  // namespace gh::bus
