#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/record.hpp"
#include "base/clock.hpp"

namespace gh::agents {

using audit::Severity;

/// What became of a threat. See may_become().
enum class ThreatStatus : std::uint8_t { open, acknowledged, resolved, false_positive };

inline constexpr std::array threat_statuses{ThreatStatus::open, ThreatStatus::acknowledged,
                                            ThreatStatus::resolved, ThreatStatus::false_positive};

/// "open", "acknowledged", ...
[[nodiscard]] std::string_view name_of(ThreatStatus status);
[[nodiscard]] std::optional<ThreatStatus> threat_status_of(std::string_view name);

/// Is it a step that there is? What is closed is only opened again; to stay is no step.
[[nodiscard]] bool may_become(ThreatStatus from, ThreatStatus to);

/// Nobody looks at it any more.
[[nodiscard]] constexpr bool is_closed(ThreatStatus status) {
    return status == ThreatStatus::resolved || status == ThreatStatus::false_positive;
}

inline constexpr std::size_t threat_type_bytes_max = 64;
inline constexpr std::size_t threat_details_bytes_max = 8 * 1024;
inline constexpr std::size_t threat_notes_characters_max = 4'000;
inline constexpr std::size_t fingerprint_bytes_max = 128;

struct Threat {
    std::string id;                       ///< a UUID
    std::optional<std::string> agent_id;  ///< who has seen it; none: the gateway
    std::string type;                     ///< "port.scan": see valid_word()
    Severity severity = Severity::info;
    ThreatStatus status = ThreatStatus::open;
    std::string fingerprint;  ///< reports of the same thing have the same; may be empty
    std::string details;      ///< a JSON object, of the first report
    std::string notes;
    std::int64_t reports = 1;
    SystemTime detected_at, last_seen_at;  ///< first and last
    std::int64_t version = 1;
    SystemTime updated_at;
};

}  // namespace gh::agents
