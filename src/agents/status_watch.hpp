#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agents/agent_repository.hpp"
#include "agents/config.hpp"
#include "agents/heartbeats.hpp"
#include "agents/token_repository.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::agents {

/// Writes heartbeats down, and tells who has fallen silent and who is back: each an audit record and a log line. From one
/// place, in rounds.
///
/// Nobody is taken for silent before this node has written heartbeats for `offline_after` without a break: neither after a
/// start, nor after an outage of the database, nor where the clock has stepped.
class StatusWatch {
 public:
    /// @param agents, tokens, heartbeats, registry, log  outlive it
    StatusWatch(AgentRepository& agents, TokenRepository& tokens, Heartbeats& heartbeats,
                AgentsConfig config, telemetry::Registry& registry, telemetry::Log& log);
    StatusWatch(const StatusWatch&) = delete;
    StatusWatch& operator=(const StatusWatch&) = delete;

    [[nodiscard]] Task<Result<void>> run(SystemTime now, SteadyTime steady);
    /// Heartbeats alone: at the end.
    [[nodiscard]] Task<Result<void>> write() { return heartbeats_.write(agents_, tokens_); }
    /// Of an agent that beats, as of some seconds ago; its id where that is not known. From any thread.
    [[nodiscard]] std::string hostname_of(std::string_view agent_id) const;
    /// It has come just now: its name is known from its first heartbeat on.
    void met(const Agent& agent);

 private:
    [[nodiscard]] Task<Result<void>> judge(SystemTime now, SteadyTime steady);
    [[nodiscard]] bool may_judge(SystemTime now, SteadyTime steady);
    [[nodiscard]] Task<Result<void>> measure(SteadyTime steady);
    [[nodiscard]] Task<Result<void>> clean(SystemTime now, SteadyTime steady);
    void tell(const std::vector<Moved>& moved);

    AgentRepository& agents_;
    TokenRepository& tokens_;
    Heartbeats& heartbeats_;
    const AgentsConfig config_;
    telemetry::Log& log_;
    std::array<telemetry::Gauge*, statuses.size()> by_status_{};
    telemetry::Counter& went_silent_;

    struct Seen {
        SystemTime now;
        SteadyTime steady;
    };
    std::optional<Seen> before_;          // the round before, if it went well
    std::optional<SteadyTime> watching_;  // since when all of them did
    std::optional<SteadyTime> measured_, cleaned_;

    struct Active {
        std::string hostname;
        Status status = Status::online;
    };
    mutable std::mutex active_mutex_;
    std::unordered_map<std::string, Active> active_;  // by id
};

}  // namespace gh::agents
