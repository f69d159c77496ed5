#pragma once

#include <optional>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "telemetry/metrics.hpp"

namespace gh::plan {

struct Room;

/// Ends leases whose agents are silent, round by round, and removes plans that ended long ago. After a time without the
/// database, or a step of its clock, nobody is judged until every agent had the length of a lease to be heard: reports of what
/// was done meanwhile come first.
class Keeper {
 public:
    /// @param room  outlives this
    Keeper(Room& room, telemetry::Registry& registry);
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;

    /// One round, every second or so, from one place: asks the database what time it is, too.
    [[nodiscard]] Task<Result<void>> run();
    /// The same at a time that is known. @param now  the database's
    [[nodiscard]] Task<Result<void>> round(SystemTime now, SteadyTime steady);

    /// Rounds that are further apart have heard nobody in between.
    static constexpr seconds apart_max{2};

 private:
    [[nodiscard]] bool may_judge(SystemTime now, SteadyTime steady);
    [[nodiscard]] Task<Result<void>> work(SystemTime now, SteadyTime steady);
    [[nodiscard]] Task<Result<void>> end_leases(SystemTime now);
    [[nodiscard]] Task<Result<void>> measure(SteadyTime steady);
    [[nodiscard]] Task<Result<void>> clear_away(SystemTime now, SteadyTime steady);

    Room& room_;
    telemetry::Family<telemetry::Counter>& lost_;
    telemetry::Family<telemetry::Gauge>& steps_;
    struct Seen {
        SystemTime now;
        SteadyTime steady;
    };
    std::optional<Seen> before_;
    std::optional<SteadyTime> watching_;  // since when without a break
    std::optional<SteadyTime> measured_, cleared_;
};

}  // namespace gh::plan
