#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::agents {

/// Where an agent stands. See may_move().
enum class Status : std::uint8_t {
    pending,      ///< it was announced, and has not come yet
    online,       ///< it beats
    degraded,     ///< it beats, and says that it is not well
    offline,      ///< it was silent for too long
    quarantined,  ///< kept out by an operator: it has no token and no certificate
    retired,      ///< for good: its name is free again
};

inline constexpr std::array statuses{Status::pending, Status::online,      Status::degraded,
                                     Status::offline, Status::quarantined, Status::retired};

/// "pending", "online", ...
[[nodiscard]] std::string_view name_of(Status status);
[[nodiscard]] std::optional<Status> status_of(std::string_view name);

/// Is it a step that there is? Nobody comes back from `retired`, nobody becomes `pending`, and from quarantine the way leads
/// over `offline`. To stay is no step.
[[nodiscard]] bool may_move(Status from, Status to);

/// Keeps tokens and certificates from an agent?
[[nodiscard]] constexpr bool is_shut_out(Status status) {
    return status == Status::quarantined || status == Status::retired;
}

inline constexpr std::size_t hostname_bytes_max = 253;
inline constexpr std::size_t labels_max = 32;
inline constexpr std::size_t label_name_bytes_max = 63;
inline constexpr std::size_t label_value_bytes_max = 128;
inline constexpr std::size_t capabilities_max = 64;
inline constexpr std::size_t capability_bytes_max = 64;
inline constexpr std::size_t agent_version_bytes_max = 64;

using Labels = std::map<std::string, std::string>;

/// Labels of RFC 1123 apart by dots, lower case, at most `hostname_bytes_max`.
[[nodiscard]] bool valid_hostname(std::string_view text);
/// a-z, 0-9 and _-./ beginning with a letter or digit: labels' names, and capabilities.
[[nodiscard]] bool valid_word(std::string_view text);

struct Agent {
    std::string id;  ///< a UUID
    std::string hostname;
    std::string ip_address;
    Labels labels;
    std::vector<std::string> capabilities;
    std::string agent_version;
    Status status = Status::pending;
    std::string enrolment;  ///< id of the one-time token that is, or was, good for it
    std::optional<SystemTime> last_heartbeat_at;
    std::int64_t version = 1;
    std::string created_by;
    SystemTime created_at, updated_at;
};

}  // namespace gh::agents
