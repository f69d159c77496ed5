#pragma once

#include <string>

#include "app/ask_once.hpp"
#include "app/settings.hpp"
#include "base/error.hpp"
#include "net/config.hpp"

// How a verb of the command line finds the Gatehouse that a configuration describes.

namespace gh::app {

/// The listener to ask: one that serves `wanted` before one that serves `otherwise`, and plain before TLS. Null: none does.
[[nodiscard]] const net::ListenerConfig* listener_serving(const Settings& settings,
                                                          net::Service wanted,
                                                          net::Service otherwise);

/// Asks it for `target`, without deciding yet whom to believe where it has TLS.
/// @return `not_found` "health.no_port": the system picks the port
[[nodiscard]] Result<Question> question_to(const net::ListenerConfig& listener,
                                           const Settings& settings, std::string target);

}  // namespace gh::app
