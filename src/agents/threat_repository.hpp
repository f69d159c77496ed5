#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/threat.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace gh::agents {

/// What somebody has seen.
struct Report {
    std::optional<std::string> agent_id;  ///< none: the gateway
    std::string type;
    Severity severity = Severity::info;
    std::string fingerprint;
    std::string details = "{}";
};

struct Reported {
    Threat threat;
    bool is_new = true;  ///< not: it was there, and counts one more
};

struct ThreatChange {
    std::optional<ThreatStatus> status;
    std::optional<std::string> notes;
    std::optional<std::int64_t> expected_version;
};

/// Which threats, and from where: the newest first, or the oldest.
struct ThreatPage {
    bool oldest_first = false;
    std::size_t limit = 50;
    std::size_t offset = 0;
    std::optional<std::pair<SystemTime, std::string>> after;
    std::optional<std::string> agent_id;
    std::optional<ThreatStatus> status;
    Severity min_severity = Severity::info;
};

/// Errors besides storage's: `not_found` "threat.unknown"; `conflict` "threat.changed" (another version than was expected),
/// "threat.status" (no such step, see may_become()), "threat.many" (its agent has `open_max` open ones).
class ThreatRepository {
 public:
    explicit ThreatRepository(storage::Database& database) : database_(database) {}

    static constexpr std::int64_t open_max = 1'000;  ///< of one agent
    /// One more of what was last seen within `window` and is not closed; else a new one.
    [[nodiscard]] static Task<Result<Reported>> put(storage::Session& session, Report report,
                                                    SystemTime now, seconds window);
    [[nodiscard]] Task<Result<Reported>> report(Report report, SystemTime now, seconds window,
                                                storage::Also<Reported> also = {});
    [[nodiscard]] Task<Result<Threat>> find(std::string id);
    [[nodiscard]] Task<Result<std::vector<Threat>>> list(ThreatPage page);
    [[nodiscard]] Task<Result<Threat>> change(std::string id, ThreatChange change, SystemTime now,
                                              storage::Also<Threat> also = {});
    [[nodiscard]] Task<Result<Threat>> remove(std::string id, storage::Also<Threat> also = {});

 private:
    storage::Database& database_;
};

}  // namespace gh::agents
