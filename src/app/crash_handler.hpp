#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "base/error.hpp"

// What is left of a process that crashes: signal, address, thread and stack, as text, on standard error and in a file. It holds addresses,
// names of functions and ids, and nothing of what memory held. The format is telemetry::CrashReport.

namespace gh::app {

/// From now on faults of this process are written down before they end it, with the exit status and the core they would have had
/// anyway. Before other threads start; in a sanitizer's build nothing changes. @param version  "0.1.0"
void install_crash_handler(std::string_view version);

/// The files go here, mode 0600 in a folder of 0700, which is made. Standard error has the text in any case.
/// @return `unavailable` "crash.folder"
[[nodiscard]] Result<void> keep_crashes_in(const std::filesystem::path& folder);

/// The build id of this program in hexadecimal; empty where the linker made none.
[[nodiscard]] std::string_view build_id();

}  // namespace gh::app
