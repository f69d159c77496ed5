#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "plan/work_repository.hpp"

namespace gh::plan {

/// A lease that this node has given, as it remembers it: what it goes by while the database is away, and since when, by a
/// clock that does not step.
struct HeldLease {
    std::string agent_id, plan_id, step_id;
    std::int64_t attempt = 0;
    SteadyTime since, heard;
    milliseconds timeout{0};                ///< how long it may be worked on; 0: any time
    std::vector<std::string> capabilities;  ///< of its agent when it was given, sorted
    std::optional<bool>
        completed;  ///< as it was reported, and journalled; nothing: it is worked on
    std::optional<milliseconds> took;
};

/// All of them that are not known to be over, one of each step. From any thread.
class Leases {
 public:
    static constexpr std::size_t leases_max = 100'000;  ///< more are not remembered

    /// In the place of an older one of the step.
    void add(const std::string& lease, HeldLease held);
    [[nodiscard]] std::optional<HeldLease> find(const std::string& lease) const;
    /// Its agent lives.
    void heard(const std::string& lease, SteadyTime now);
    /// Its agent was told that it goes on until then. @return is it remembered?
    [[nodiscard]] bool owe(const std::string& lease, SystemTime until);
    [[nodiscard]] std::vector<Renewal> owed(std::size_t most) const;
    /// They are in the database; what was told since is not.
    void settle(const std::vector<Renewal>& renewals);
    /// Its end was reported and is in the journal.
    void report(const std::string& lease, bool completed, milliseconds took);
    void remove(const std::string& lease);
    /// Forgets those of whose agents nothing was heard since.
    void forget(SteadyTime before);
    [[nodiscard]] std::size_t size() const;

 private:
    using StepName = std::pair<std::string, std::string>;  // plan, step
    using Held = std::unordered_map<std::string, HeldLease>;
    void drop(Held::iterator found);

    mutable std::mutex mutex_;
    Held held_;
    std::map<StepName, std::string> of_step_;
    std::unordered_map<std::string, SystemTime> owed_;  // told, and not in the database yet
};

}  // namespace gh::plan
