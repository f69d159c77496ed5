#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.hpp"

namespace gh::plan {

/// A lease that this node has given, as it remembers it: what it goes by while the database is away, and since when, by a
/// clock that does not step.
struct HeldLease {
    std::string agent_id, plan_id, step_id;
    std::int64_t attempt = 0;
    SteadyTime since;
    SystemTime expires_at;
    std::optional<SystemTime> deadline_at;
    std::optional<bool>
        completed;  ///< as it was reported, and journalled; nothing: it is worked on
    std::optional<milliseconds> took;
};

/// All of them. From any thread.
class Leases {
 public:
    static constexpr std::size_t leases_max = 100'000;  ///< more are not remembered

    void add(const std::string& lease, HeldLease held);
    [[nodiscard]] std::optional<HeldLease> find(const std::string& lease) const;
    void renew(const std::string& lease, SystemTime expires_at);
    /// Its end was reported and is in the journal.
    void report(const std::string& lease, bool completed, milliseconds took);
    void remove(const std::string& lease);
    /// Forgets those that ended before.
    void forget(SystemTime before);
    [[nodiscard]] std::size_t size() const;

 private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, HeldLease> held_;
};

}  // namespace gh::plan
