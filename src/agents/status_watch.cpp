#include "agents/status_watch.hpp"

#include <chrono>

#include "audit/act.hpp"
#include "base/try.hpp"

namespace gh::agents {
namespace {

constexpr seconds measure_every{5};
constexpr std::chrono::minutes clean_every{10};
constexpr std::chrono::hours tokens_shown{24};
constexpr std::size_t active_max = 1'000;  // on the scrape page
constexpr std::size_t known_max = 20'000;  // by name
constexpr std::size_t told_max = 20;       // of one round, by name

storage::Also<std::vector<Moved>> recorded() {
    return {.before = audit::Log::lock,
            .after = [](storage::Session& session,
                        const std::vector<Moved>& moved) -> Task<Result<void>> {
                for (const auto& each : moved) {
                    auto record = audit::act_of_house("agent." + std::string(name_of(each.to)),
                                                      "agent", each.id);
                    const bool silent = each.to == Status::offline;
                    record.severity = silent ? audit::Severity::low : audit::Severity::info;
                    record.details.push_back({"hostname", each.hostname});
                    record.details.push_back({"before", std::string(name_of(each.from))});
                    GH_CO_TRY_VOID(co_await audit::Log::append(session, std::move(record)));
                }
                co_return Result<void>{};
            }};
}

}  // namespace

StatusWatch::StatusWatch(AgentRepository& agents, TokenRepository& tokens, Heartbeats& heartbeats,
                         AgentsConfig config, telemetry::Registry& registry, telemetry::Log& log)
    : agents_(agents),
      tokens_(tokens),
      heartbeats_(heartbeats),
      config_(std::move(config)),
      log_(log),
      went_silent_(registry.one_counter("gatehouse_agents_silent_total",
                                        "Agents that this node found silent for too long.")) {
    auto& family =
        registry.gauge({.name = "gatehouse_agents",
                        .help = "Agents by status, as the database has them; without retired ones.",
                        .labels = {"status"}});
    for (const auto status : statuses) {
        if (status != Status::retired)
            by_status_[static_cast<std::size_t>(status)] = &family.with({name_of(status)});
    }
    registry.collect({.name = "vos_active_agents",
                      .help = "1 for each agent that beats, as the database has them.",
                      .labels = {"agent_id", "status"},
                      .series_max = active_max},
                     telemetry::MetricType::gauge, [this](telemetry::Samples& samples) {
                         const std::scoped_lock lock(active_mutex_);
                         for (const auto& [id, agent] : active_)
                             samples.add({id, name_of(agent.status)}, 1);
                     });
}

Task<Result<void>> StatusWatch::run(SystemTime now, SteadyTime steady) {
    auto judged = co_await judge(now, steady);
    if (!judged) {
        before_.reset();
        watching_.reset();
        co_return judged;
    }
    GH_CO_TRY_VOID(co_await measure(steady));
    co_return co_await clean(now, steady);
}

bool StatusWatch::may_judge(SystemTime now, SteadyTime steady) {
    const auto before = std::exchange(before_, Seen{now, steady});
    const auto drift = before ? std::chrono::abs((now - before->now) - (steady - before->steady))
                              : std::chrono::nanoseconds(0);
    // A round that took long is a break as well: others may have beaten, and nobody wrote.
    const bool unbroken = before && drift < config_.offline_after / 4 &&
                          steady - before->steady < config_.offline_after;
    if (!unbroken || !watching_) watching_ = steady;
    return steady - *watching_ >= config_.offline_after;
}

void StatusWatch::tell(const std::vector<Moved>& moved) {
    std::size_t told = 0;
    for (const auto& each : moved) {
        if (each.to == Status::offline) went_silent_.add();
        if (++told > told_max) continue;
        if (each.to == Status::offline) {
            log_.warning("agents", "an agent is silent")
                .field("agent", each.id)
                .field("hostname", each.hostname);
        } else {
            log_.info("agents", "an agent is back")
                .field("agent", each.id)
                .field("hostname", each.hostname);
        }
    }
    if (told > told_max) log_.info("agents", "and more of them").field("agents", told - told_max);
}

Task<Result<void>> StatusWatch::judge(SystemTime now, SteadyTime steady) {
    GH_CO_TRY_VOID(co_await write());
    if (may_judge(now, steady)) {
        const auto since = now - config_.offline_after;
        GH_CO_TRY(const auto silent, co_await agents_.end_silent(since, now, recorded()));
        tell(silent);
    }
    GH_CO_TRY(const auto back, co_await agents_.welcome_back(now, recorded()));
    tell(back);
    co_return Result<void>{};
}

Task<Result<void>> StatusWatch::measure(SteadyTime steady) {
    if (measured_ && steady < *measured_ + measure_every) co_return Result<void>{};
    GH_CO_TRY(const auto counts, co_await agents_.count());
    for (const auto status : statuses) {
        const auto at = static_cast<std::size_t>(status);
        if (by_status_[at] != nullptr) by_status_[at]->set(counts[at]);
    }
    GH_CO_TRY(auto found, co_await agents_.active(known_max));
    std::unordered_map<std::string, Active> active;
    for (auto& agent : found)
        active.emplace(std::move(agent.id), Active{std::move(agent.hostname), agent.status});
    {
        const std::scoped_lock lock(active_mutex_);
        active_.swap(active);
    }
    measured_ = steady;
    co_return Result<void>{};
}

std::string StatusWatch::hostname_of(std::string_view agent_id) const {
    std::string id(agent_id);
    const std::scoped_lock lock(active_mutex_);
    const auto found = active_.find(id);
    return found == active_.end() ? id : found->second.hostname;
}

void StatusWatch::met(const Agent& agent) {
    const std::scoped_lock lock(active_mutex_);
    if (active_.size() < known_max)
        active_.insert_or_assign(agent.id, Active{agent.hostname, agent.status});
}

Task<Result<void>> StatusWatch::clean(SystemTime now, SteadyTime steady) {
    if (cleaned_ && steady < *cleaned_ + clean_every) co_return Result<void>{};
    GH_CO_TRY(const auto removed, co_await tokens_.clean(now - tokens_shown));
    if (removed > 0) log_.info("agents", "cleared away expired tokens").field("tokens", removed);
    // Agents make tokens faster than that: what is left comes with the next round.
    if (removed < TokenRepository::cleaned_at_once) cleaned_ = steady;
    co_return Result<void>{};
}

}  // namespace gh::agents
