#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/agent.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::agents {

struct AgentChange {
    std::optional<std::string> ip_address, agent_version;
    std::optional<Labels> labels;
    std::optional<std::vector<std::string>> capabilities;
    std::optional<Status> status;
    std::optional<std::int64_t> expected_version;
};

/// What an agent says of itself when it comes.
struct Arrival {
    std::string ip_address, agent_version;
    std::optional<std::vector<std::string>> capabilities;
};

/// Which agents. Without a status: all but those that have retired.
struct AgentPage {
    enum class Order : std::uint8_t { by_hostname, by_hostname_back, oldest, newest };
    Order order = Order::by_hostname;
    std::size_t limit = 50;
    std::size_t offset = 0;
    /// Go on behind it: its hostname or its making, as the order wants, and its id.
    std::optional<std::string> after_hostname;
    std::optional<SystemTime> after_time;
    std::string after_id;
    std::optional<Status> status;
    std::optional<std::pair<std::string, std::string>> label;
};

/// One heartbeat, or the last of many.
struct Beat {
    std::string agent_id;
    SystemTime at;
    bool well = true;
};

struct Moved {
    std::string id, hostname;
    Status from{}, to{};
};

/// One that beats.
struct ActiveAgent {
    std::string id, hostname;
    Status status = Status::online;
};

/// Errors besides storage's: `not_found` "agent.unknown"; `conflict` "agent.hostname_taken", "agent.changed" (another version
/// than was expected), "agent.status" (no such step, see may_move()), "agent.retired" (it changes no more);
/// `permission_denied` "agent.not_awaited" (its enrolment is none of an agent that may come).
class AgentRepository {
 public:
    explicit AgentRepository(storage::Database& database) : database_(database) {}

    /// @param agent  with its id, its enrolment and its times; pending
    [[nodiscard]] Task<Result<Agent>> add(Agent agent, storage::Also<Agent> also = {});
    [[nodiscard]] Task<Result<Agent>> find(std::string id);
    /// Of those that have not retired.
    [[nodiscard]] Task<Result<Agent>> find_by_hostname(std::string hostname);
    [[nodiscard]] Task<Result<std::vector<Agent>>> list(AgentPage page);

    /// A status that it has is no step, and no error. Nothing but its enrolment makes a pending one come online.
    [[nodiscard]] Task<Result<Agent>> change(std::string id, AgentChange change, SystemTime now,
                                             storage::Also<Agent> also = {});
    /// Another one-time token takes the place of the one before. Not of who is shut out.
    /// @param before  the enrolment whose place it takes: `agent.changed` where that is another by now
    [[nodiscard]] Task<Result<Agent>> announce(std::string id, std::string before,
                                               std::string enrolment, SystemTime now,
                                               storage::Also<Agent> also = {});
    /// It came with its token: it is online. Within the transaction that uses the token up.
    [[nodiscard]] static Task<Result<Agent>> arrive(storage::Session& session,
                                                    std::string enrolment, Arrival arrival,
                                                    SystemTime now);

    /// Heartbeats of those that may beat; older ones than are known change nothing.
    [[nodiscard]] Task<Result<void>> beat(std::vector<Beat> beats);

    static constexpr std::size_t moved_at_once = 200;
    /// Those that have been silent since become offline: at most `moved_at_once`.
    [[nodiscard]] Task<Result<std::vector<Moved>>> end_silent(
        SystemTime since, SystemTime now, storage::Also<std::vector<Moved>> also = {});
    /// Those that are offline and have beaten since they became so are online again: at most `moved_at_once`.
    [[nodiscard]] Task<Result<std::vector<Moved>>> welcome_back(
        SystemTime now, storage::Also<std::vector<Moved>> also = {});

    using Counts = std::array<std::int64_t, statuses.size()>;
    [[nodiscard]] Task<Result<Counts>> count();
    /// Those that beat, at most `limit`.
    [[nodiscard]] Task<Result<std::vector<ActiveAgent>>> active(std::size_t limit);

 private:
    storage::Database& database_;
};

}  // namespace gh::agents
