#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "access/agent_directory.hpp"
#include "api/route.hpp"
#include "net/doorbell.hpp"
#include "plan/clock.hpp"
#include "plan/config.hpp"
#include "plan/desk.hpp"
#include "plan/keeper.hpp"
#include "plan/leases.hpp"
#include "plan/plan_repository.hpp"
#include "plan/work_repository.hpp"
#include "storage/database.hpp"
#include "storage/fallback.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::plan {

/// Which capabilities are wanted of agents now: one look at the database for all who wait on this node.
class Board {
 public:
    /// Somebody may look again: `now` is far enough from the last look, and nobody looks at the moment.
    [[nodiscard]] bool begin_look(SteadyTime now);
    /// @return did anybody come meanwhile who should look at what was found?
    [[nodiscard]] bool end_look(Result<std::vector<std::string>> found, SteadyTime now);
    /// Steps have become ready: what was seen is old.
    void stale();
    /// Is there a step for who has these capabilities, sorted? As it was last seen; where there were more sets than were
    /// looked at, there may be.
    [[nodiscard]] bool has_work(const std::vector<std::string>& capabilities) const;

    /// One of those who claim at the same time: a herd that is rung for comes in small groups.
    class Turn {
     public:
        explicit Turn(Board& board)
            : claiming_(board.claiming_), admitted_(claiming_.fetch_add(1) < claiming_max) {}
        ~Turn() { claiming_.fetch_sub(1); }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        [[nodiscard]] bool admitted() const { return admitted_; }

     private:
        std::atomic<std::size_t>& claiming_;
        bool admitted_;
    };

 private:
    static constexpr milliseconds look_every{500};
    static constexpr std::size_t claiming_max = 8;
    mutable std::mutex mutex_;
    std::vector<std::string> kinds_;
    SteadyTime looked_;
    bool looking_ = false, stale_ = true, missed_ = false;
    std::atomic<std::size_t> claiming_ = 0;
};

/// Is one of these sets of capabilities within those, which are sorted?
[[nodiscard]] bool is_wanted(const std::vector<std::string>& kinds,
                             const std::vector<std::string>& capabilities);

/// What the routes of this room work with. Outlives them.
struct Room {
    /// @param database, fallback, directory, registry, log  outlive it; nothing was submitted to `fallback` yet
    Room(storage::Database& on, storage::Fallback& fallback, access::AgentDirectory& agents,
         PlansConfig wanted, telemetry::Registry& registry, telemetry::Log& told,
         Admit admits = {});

    /// As the database would say.
    [[nodiscard]] SystemTime now() const { return clock.now(std::chrono::steady_clock::now()); }
    /// What a write has set going: who waits is told, and it is counted.
    void heed(const Stir& stir);
    void heed(const std::vector<Stir>& stirs) {
        for (const auto& stir : stirs) heed(stir);
    }

    storage::Database& database;
    access::AgentDirectory& directory;
    const PlansConfig config;
    const Admit admit;
    Clock clock;
    PlanRepository plans;
    WorkRepository work;
    Leases leases;
    Desk desk;
    net::Doorbell bell;  ///< "ready", and "of ID" for events
    Board board;
    telemetry::Log& log;
    telemetry::Family<telemetry::Counter>& steps_ended;
    telemetry::Family<telemetry::Counter>& plans_ended;
    telemetry::Family<telemetry::Histogram>& step_duration;
    Keeper keeper;
};

/// The name at which those wait who want to know what happens to a plan.
[[nodiscard]] inline std::string bell_of(std::string_view plan_id) {
    return "of " + std::string(plan_id);
}
inline constexpr std::string_view ready_bell = "ready";

/// /api/v1/plans
[[nodiscard]] std::vector<api::Route> plan_routes(Room& room);
/// /api/v1/plans/{plan}/steps
[[nodiscard]] std::vector<api::Route> step_routes(Room& room);
/// /api/v1/plans/claim
[[nodiscard]] std::vector<api::Route> claim_routes(Room& room);
/// What agents report: /api/v1/plans/{plan}/steps/{step}/heartbeat, .../complete, .../fail.
[[nodiscard]] std::vector<api::Route> work_routes(Room& room);
/// /api/v1/plans/{plan}/events
[[nodiscard]] std::vector<api::Route> event_routes(Room& room);

}  // namespace gh::plan
