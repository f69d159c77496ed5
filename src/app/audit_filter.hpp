#pragma once

#include <string>

#include "app/audit_command.hpp"
#include "audit/reader.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

namespace gh::app {

/// Which records the command line asks for.
/// @return `invalid_argument` "usage"
[[nodiscard]] Result<audit::Filter> filter_of(const AuditOptions& options, SystemTime now);

/// A record as `audit tail` shows it, with its newline. Nothing in it moves a terminal's cursor.
[[nodiscard]] std::string shown(const audit::Entry& entry, bool json);

}  // namespace gh::app
