#pragma once

#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct ClientOptions {
    std::string name;  ///< of a new client; the id of one that is there
    std::vector<std::string> redirect_uris, grants, scopes, resources, serves;
    std::string authentication = "client_secret_basic";
    std::string certificate_name;
    bool require_dpop = false;
    bool certificate_bound = false;
    bool json = false;
};

/// `client add`: prints the secret alone on standard output, this once; the id of a client that has none.
[[nodiscard]] CommandResult client_add(const Overrides& overrides, const Surroundings& surroundings,
                                       const ClientOptions& options);
[[nodiscard]] CommandResult client_list(const Overrides& overrides,
                                        const Surroundings& surroundings,
                                        const ClientOptions& options);
/// `client disable`: for good; all that it was given ends.
[[nodiscard]] CommandResult client_disable(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const ClientOptions& options);
/// `client invite`: prints an initial access token, with which a program may register one client within a day.
[[nodiscard]] CommandResult client_invite(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const ClientOptions& options);

}  // namespace gh::app
