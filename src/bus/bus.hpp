#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "bus/config.hpp"
#include "bus/counters.hpp"
#include "bus/group_writer.hpp"
#include "bus/inbox.hpp"
#include "bus/joint_sender.hpp"
#include "bus/message.hpp"
#include "bus/message_repository.hpp"
#include "bus/task_repository.hpp"
#include "net/doorbell.hpp"
#include "outbox/outbox.hpp"
#include "storage/fallback.hpp"
#include "telemetry/log.hpp"

namespace gh::bus {

/// What an agent of this id is called; nothing: there is none that could read. Asked for what looks like an id.
using NameOfAgent = std::function<Task<Result<std::optional<std::string>>>(std::string id)>;
/// Could somebody have this address, which is no agent's id? Where nobody can tell, somebody could.
using HasOwner = std::function<Task<Result<bool>>(std::string address)>;

/// Messages on their way, on the house's own database. What other rooms post goes the same way. Thread-safe; from coroutines on
/// a loop.
class Bus final : public outbox::Outbox {
 public:
    struct Parts {
        storage::Database& database;
        storage::Fallback& fallback;  ///< acknowledgements wait there while the database is away
        NameOfAgent name_of_agent;
        HasOwner has_owner = {};  ///< empty: all have
        BusConfig config;
        telemetry::Registry& registry;
        telemetry::Log& log;
    };
    /// Registers with the fallback, before anything is submitted there. What `parts` names outlives it.
    explicit Bus(Parts parts);
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    // --- the way of a message ---

    /// All at once, in their order; who waits for them is woken. Refusals besides send()'s: "bus.recipient_unknown",
    /// "bus.deliver_at" (further ahead than `deliver_at_most`).
    [[nodiscard]] Task<Result<std::vector<Sent>>> send(std::vector<Draft> drafts);
    /// Nothing while acknowledgements wait in the journal of this node: what they end is still there.
    /// @param lease  nothing: the configuration's
    [[nodiscard]] Task<Result<Batch>> receive(std::string recipient, std::size_t messages_max,
                                              std::optional<milliseconds> lease);
    /// On disk when it resumes: in the database, or in the journal while that is away.
    [[nodiscard]] Task<Result<void>> acknowledge(std::string recipient,
                                                 std::vector<std::string> ids);
    [[nodiscard]] Task<Result<bool>> give_back(std::string recipient, std::string receipt,
                                               std::vector<std::string> ids, milliseconds delay);
    [[nodiscard]] Task<Result<bool>> renew(std::string recipient, std::string receipt,
                                           milliseconds lease);
    [[nodiscard]] Task<Result<bool>> release(std::string recipient, std::string receipt);
    /// Gives back a batch that nobody has read, as if it had not been given out.
    [[nodiscard]] Task<Result<bool>> take_back(std::string recipient, const Batch& batch);
    /// Is there somebody who could read what is sent there? Nobody ("") is no reason to refuse.
    [[nodiscard]] Task<Result<bool>> knows(std::string address);
    /// Rings by the names of recipients.
    [[nodiscard]] net::Doorbell& bell() { return bell_; }

    // --- for other rooms ---

    [[nodiscard]] Task<Result<void>> lock(storage::Session& session) override;
    [[nodiscard]] Task<Result<void>> post(storage::Session& session,
                                          outbox::Notice notice) override;
    void ring(const std::string& recipient) override { bell_.ring(recipient); }
    void committed(const outbox::Notice& notice) override;

    /// Credentials of an agent have ended here, perhaps for good: what waits for it ends with the next keep() then.
    void agent_ended(const std::string& agent_id);

    /// One of the clerk's rounds, every second: rings for what is due, ends what has expired, forgets what is old.
    [[nodiscard]] Task<Result<void>> keep(SystemTime now, SteadyTime steady);

    [[nodiscard]] const BusConfig& config() const { return config_; }
    [[nodiscard]] Counters& counters() { return counters_; }

 private:
    struct Named {
        std::optional<std::string> name;
        SteadyTime until;
    };
    [[nodiscard]] Task<Result<std::optional<std::string>>> name_of(std::string address);
    /// Fills in how long its conversation may be.
    /// @return a refusal, or none
    [[nodiscard]] Task<Result<std::string_view>> judge(Draft& draft);
    /// What was sent before is sent, whatever became of its recipient.
    [[nodiscard]] Task<Result<void>> forgive_if_sent(const Draft& draft, Sent& sent);
    [[nodiscard]] Task<Result<void>> acknowledge_from_journal(storage::Session& session,
                                                              storage::JournalRecord record);
    void ring_later(const std::string& recipient);
    [[nodiscard]] Task<Result<void>> ring_for_due(SystemTime now);
    [[nodiscard]] Task<Result<bool>> clean(SystemTime now);
    [[nodiscard]] Task<Result<bool>> end_all_late(SystemTime now, SteadyTime until);
    [[nodiscard]] Task<Result<bool>> forget_tasks(SystemTime now, SteadyTime until);
    [[nodiscard]] Task<Result<bool>> forget_all(SystemTime now, SteadyTime until);
    [[nodiscard]] Task<Result<void>> end_what_waits_for_retired(SystemTime now);
    [[nodiscard]] Task<Result<void>> look_for_retired(SystemTime now);
    [[nodiscard]] Task<Result<void>> end_if_retired(std::string recipient, SystemTime now);

    storage::Database& database_;
    storage::Fallback& fallback_;
    const NameOfAgent name_of_agent_;
    const HasOwner has_owner_;
    const BusConfig config_;
    const Limits limits_;
    telemetry::Log& log_;
    Counters counters_;
    MessageRepository messages_;
    TaskRepository tasks_;
    GroupWriter writer_;
    JointSender sender_;
    net::Doorbell bell_;
    std::atomic<std::uint64_t> journalled_{0};  // acknowledgements, before they are
    std::mutex mutex_;                          // of what follows
    std::unordered_map<std::string, Named> names_;
    std::set<std::string> to_ring_;  // for what came from the journal
    std::set<std::string> ended_;  // agents, of which it is to be looked whether they have retired
    std::atomic<bool> looked_in_vain_{false};  // somebody, while the journal had something
    [[nodiscard]] bool is_settled(SystemTime now, SteadyTime steady);

    // keep()'s
    std::optional<milliseconds> clocks_;  // the system's before the steady one
    std::optional<SteadyTime> leapt_;
    std::optional<SystemTime> rung_until_;
    std::map<std::string, SystemTime> rung_;  // lately, and for what
    std::string looked_through_;              // the last inbox of which it was asked whose it is
    std::optional<SteadyTime> cleaned_, measured_;
};

}  // namespace gh::bus
