#include "agents/heartbeats.hpp"

#include <utility>
#include <vector>

#include "base/try.hpp"

namespace gh::agents {

bool Heartbeats::note(std::string_view agent_id, std::string_view family, bool well,
                      SystemTime now) {
    const std::scoped_lock lock(mutex_);
    std::string id(agent_id);
    const auto found = beats_.find(id);
    if (found == beats_.end()) {
        if (beats_.size() >= agents_max) return false;
        beats_.emplace(std::move(id), Last{now, well, std::string(family)});
        return true;
    }
    if (now >= found->second.at) found->second = {now, well, std::string(family)};
    return true;
}

void Heartbeats::forget(std::string_view agent_id) {
    const std::scoped_lock lock(mutex_);
    beats_.erase(std::string(agent_id));
}

std::size_t Heartbeats::size() const {
    const std::scoped_lock lock(mutex_);
    return beats_.size();
}

Heartbeats::Beats Heartbeats::take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(beats_, {});
}

void Heartbeats::put_back(Beats beats) {
    const std::scoped_lock lock(mutex_);
    for (auto& [id, last] : beats) {
        if (beats_.size() >= agents_max) return;
        beats_.try_emplace(id, std::move(last));
    }
}

Task<Result<void>> Heartbeats::write_batch(AgentRepository& agents, TokenRepository& tokens,
                                           Beats& beats) {
    std::vector<Beat> batch;
    std::vector<std::pair<std::string, SystemTime>> uses;
    for (auto at = beats.begin(); at != beats.end() && batch.size() < batch_max; ++at) {
        batch.push_back({.agent_id = at->first, .at = at->second.at, .well = at->second.well});
        if (!at->second.family.empty()) uses.emplace_back(at->second.family, at->second.at);
    }
    GH_CO_TRY_VOID(co_await agents.beat(batch));
    GH_CO_TRY_VOID(co_await tokens.touch(std::move(uses)));
    for (const auto& beat : batch) beats.erase(beat.agent_id);
    co_return Result<void>{};
}

Task<Result<void>> Heartbeats::write(AgentRepository& agents, TokenRepository& tokens) {
    auto beats = take();
    while (!beats.empty()) {
        auto done = co_await write_batch(agents, tokens, beats);
        if (done) continue;
        put_back(std::move(beats));
        co_return done;
    }
    co_return Result<void>{};
}

}  // namespace gh::agents
