#pragma once

#include <filesystem>
#include <functional>
#include <string_view>
#include <vector>

#include "telemetry/crash_report.hpp"
#include "telemetry/log.hpp"
#include "telemetry/metrics.hpp"

namespace gh::app {

/// In the data directory: what processes that crashed have left, see crash_handler.hpp.
inline constexpr std::string_view crash_folder = "crash";
inline constexpr std::size_t crash_files_max = 16;

/// One that nobody has been told of.
struct FoundCrash {
    std::filesystem::path file;
    telemetry::CrashReport report;
};

/// Says of each crash that was not told of, in the log, and keeps the newest crash_files_max files.
/// Metric: gatehouse_crash_reports.
/// @return those, for who tells others; each is told of again at the next start unless told() is called
[[nodiscard]] std::vector<FoundCrash> find_crashes(const std::filesystem::path& folder,
                                                   telemetry::Registry& registry,
                                                   telemetry::Log& log);
/// Whoever was to know of it does. From any thread.
void told(const std::filesystem::path& file);

}  // namespace gh::app
