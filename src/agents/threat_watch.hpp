#pragma once

#include <vector>

#include "agents/lookout.hpp"
#include "agents/threat_repository.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "telemetry/log.hpp"

namespace gh::agents {

/// What the gateway has seen becomes threats, and limits that were reached become audit records. From one place, in rounds.
class ThreatWatch {
 public:
    /// @param threat_window  what is seen again within it is the same threat
    /// @param database, lookout, log  outlive it
    ThreatWatch(storage::Database& database, Lookout& lookout, seconds threat_window,
                telemetry::Log& log)
        : database_(database), lookout_(lookout), threat_window_(threat_window), log_(log) {}
    ThreatWatch(const ThreatWatch&) = delete;
    ThreatWatch& operator=(const ThreatWatch&) = delete;

    /// What cannot be written is kept for the next round; meanwhile the lookout goes on counting.
    [[nodiscard]] Task<Result<void>> run(SystemTime now, SteadyTime steady);

 private:
    storage::Database& database_;
    Lookout& lookout_;
    const seconds threat_window_;
    telemetry::Log& log_;
    std::vector<Sighting> untold_;
};

/// The threat that a sighting is.
[[nodiscard]] Report report_of(const Sighting& sighting);

}  // namespace gh::agents
