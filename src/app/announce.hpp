#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/first_key.hpp"
#include "app/settings.hpp"
#include "telemetry/log.hpp"

namespace gh::app {

/// What must be said aloud about settings that were read.
void announce_reading(const ReadSettings& read, telemetry::Log& log);

/// Says what was started: as log lines, and, where somebody started the house with nothing but an upstream, the line to
/// paste next and the key, on standard output.
void announce(const Settings& settings, const std::filesystem::path& ca_file, const FirstKey* key,
              telemetry::Log& log);

}  // namespace gh::app
