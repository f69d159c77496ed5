#pragma once

#include <string>
#include <vector>

#include "app/config_command.hpp"

namespace gh::app {

struct AlertOptions {
    std::string alertmanager = "http://127.0.0.1:9093";
    std::string severity = "warning";
    std::vector<std::string> labels;  ///< name=value, besides or instead of those it has
    std::string wait;                 ///< a duration; empty: not at all
    std::string ca_file;              ///< whose certificate is believed, with https
    std::string token_file;           ///< of a bearer token
};

/// `alert test`: hands Alertmanager (API v2) an alert that says it is a test, and with `wait` looks until it has sent it on.
/// Exit code 1 where it was not taken, or not sent in time, or a receiver failed; the reason and what to do are on standard
/// error.
[[nodiscard]] CommandResult alert_test(const AlertOptions& options);

}  // namespace gh::app
