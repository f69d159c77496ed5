#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/route.hpp"
#include "audit/log.hpp"
#include "net/loop.hpp"
#include "net/work_pool.hpp"
#include "profile/names.hpp"
#include "profile/stall_watch.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// What measures the running house, and who may ask it. Outlives its routes.
class ProfileRoom {
 public:
    /// Counts allocations from here on. All outlive it.
    ProfileRoom(audit::Log& audit, telemetry::Registry& registry, telemetry::Log& log);

    /// From here on it watches the workers' loops, which outlive that.
    void watch(const std::vector<const net::Loop*>& loops);
    void stop_watching() { stalls_.reset(); }

    /// GET /api/v1/profiles/cpu, /allocations and /stalls, for who has `profiles:read`.
    [[nodiscard]] std::vector<api::Route> routes();

    [[nodiscard]] audit::Log& audit() { return audit_; }
    [[nodiscard]] profile::Names& names() { return names_; }
    /// Where profiles are begun and written: a worker would be held.
    [[nodiscard]] const net::WorkPool& pool() const { return pool_; }
    [[nodiscard]] std::vector<profile::Stall> stalls() const {
        return stalls_ ? stalls_->stalls() : std::vector<profile::Stall>();
    }

 private:
    audit::Log& audit_;
    telemetry::Registry& registry_;
    telemetry::Log& log_;
    profile::Names names_;
    std::unique_ptr<profile::StallWatch> stalls_;  // null: nothing runs yet
    net::WorkPool pool_{{.threads = 1, .queue_max = 4, .name = "profiles"}};
};

}  // namespace gh::app
