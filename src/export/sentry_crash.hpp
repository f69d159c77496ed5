#pragma once

#include <string>
#include <string_view>

#include "export/sentry.hpp"
#include "telemetry/crash_report.hpp"

namespace gh::exporting::sentry {

/// A crash as an event of level fatal: its stack with the names that are known, and the image that Sentry needs to find the others by
/// the build id. Release and environment are those of this start, the version that of what crashed.
/// @return JSON in one line
[[nodiscard]] std::string event_of_crash(const telemetry::CrashReport& report, const About& about,
                                         std::string_view event_id);

/// Sentry's id of debug information: the first half of a build id as a UUID in little-endian order. Empty where that is too short.
[[nodiscard]] std::string debug_id_of(std::string_view build_id);

}  // namespace gh::exporting::sentry
