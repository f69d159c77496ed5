#pragma once

#include <string>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct ProfileOptions {
    std::string url;       ///< http or https; empty: of the listener that the configuration names
    std::string ca_file;   ///< whose certificate is believed, with https
    std::string key_file;  ///< of an API key or token with `profiles:read`
    std::string output;    ///< a file, or "-"; empty: one of the profile's name
    std::string format = "pprof";  ///< or "folded"
    int seconds = 10;
    bool json = false;  ///< of stalls: as they came
};

enum class ProfileKind : std::uint8_t { cpu, allocations, stalls };

/// `profile cpu`, `profile allocations` and `profile stalls`: asks a running Gatehouse. The key is sent by https, or to this
/// machine, only. Exit code 1 where nothing came; the reason is on standard error.
[[nodiscard]] CommandResult read_profile(const Overrides& overrides,
                                         const Surroundings& surroundings, ProfileKind kind,
                                         const ProfileOptions& options);

}  // namespace gh::app
