#pragma once

#include <string>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct HealthOptions {
    std::string url;      ///< http or https; empty: of the listener that the configuration names
    std::string ca_file;  ///< whose certificate is believed, with an https url
    std::string timeout = "5s";
    bool ready = false;  ///< /health/ready instead of /health/live
};

/// `health`: exit code 0 where a running Gatehouse answers 200, else 1 and the reason on standard error. The state is not
/// touched and the vault not opened: a probe may call it every few seconds.
[[nodiscard]] CommandResult health(const Overrides& overrides, const Surroundings& surroundings,
                                   const HealthOptions& options);

}  // namespace gh::app
