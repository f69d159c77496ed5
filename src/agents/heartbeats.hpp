#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agents/agent_repository.hpp"
#include "agents/token_repository.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"

namespace gh::agents {

/// Heartbeats until they are written: many at a time, and none on the path of a request. From any thread.
class Heartbeats {
 public:
    /// Agents between two writes: what a flood may cost, some 300 bytes each.
    static constexpr std::size_t agents_max = 200'000;

    /// @param family  of the access token it came with; empty: it came without one of ours
    /// @return false: there are too many, and this one is not kept
    [[nodiscard]] bool note(std::string_view agent_id, std::string_view family, bool well,
                            SystemTime now);
    /// What was noted of this agent and is not written yet: it has been moved by somebody since.
    void forget(std::string_view agent_id);
    [[nodiscard]] std::size_t size() const;

    /// Writes what was noted, from one place. What could not be written is kept for the next time, unless something newer
    /// came meanwhile.
    [[nodiscard]] Task<Result<void>> write(AgentRepository& agents, TokenRepository& tokens);

 private:
    struct Last {
        SystemTime at;
        bool well = true;
        std::string family;
    };
    using Beats = std::unordered_map<std::string, Last>;
    static constexpr std::size_t batch_max = 1'000;  // then other writers have their turn

    [[nodiscard]] Beats take();
    void put_back(Beats beats);
    [[nodiscard]] static Task<Result<void>> write_batch(AgentRepository& agents,
                                                        TokenRepository& tokens, Beats& beats);

    mutable std::mutex mutex_;
    Beats beats_;
};

}  // namespace gh::agents
