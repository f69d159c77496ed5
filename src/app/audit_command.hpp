#pragma once

#include <cstddef>
#include <string>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

inline constexpr std::size_t audit_tail_count_max = 1'000;

/// What the verbs of `audit` are told.
struct AuditOptions {
    std::string actor, action, object, object_type, severity;  ///< which records; empty: any
    std::string since, until;  ///< "24h": so long ago; or a moment in RFC 3339
    std::size_t count = 20;    ///< `tail`: how many
    bool follow = false;       ///< `tail`: go on with what comes
    bool json = false;         ///< `tail`: one JSON object a line
    std::string out;           ///< `export`: a file; standard output when empty
    std::string checkpoint;    ///< `verify`: a file that was kept
    std::string exported;      ///< `verify`: an older export
    std::string key;           ///< `verify`: who must have signed; our own key when empty
};

/// `audit tail`: the newest records, the oldest of them first. Writes to standard output by itself.
[[nodiscard]] CommandResult audit_tail(const Overrides& overrides, const Surroundings& surroundings,
                                       const AuditOptions& options);
/// `audit export`: signs a checkpoint, and writes the log with its proofs.
[[nodiscard]] CommandResult audit_export(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const AuditOptions& options);
/// `audit verify`: exit code 1 when anything is wrong with the log.
[[nodiscard]] CommandResult audit_verify(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const AuditOptions& options);

}  // namespace gh::app
