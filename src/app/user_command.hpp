#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct UserOptions {
    std::string name;
    std::vector<std::string> roles;
    std::string email;
    std::optional<std::string>
        password;  ///< from standard input; unset: one is made and printed, for one use
    std::optional<std::string>
        password_hash;  ///< instead, from elsewhere: as crypto::parse_password_hash() reads it
    bool json = false;
};

/// `user add`: prints the one-time password alone on standard output, where it made one.
[[nodiscard]] CommandResult user_add(const Overrides& overrides, const Surroundings& surroundings,
                                     UserOptions options);
[[nodiscard]] CommandResult user_list(const Overrides& overrides, const Surroundings& surroundings,
                                      UserOptions options);
/// `user disable`: they are kept out, and their tokens are void.
[[nodiscard]] CommandResult user_disable(const Overrides& overrides,
                                         const Surroundings& surroundings, UserOptions options);
[[nodiscard]] CommandResult user_enable(const Overrides& overrides,
                                        const Surroundings& surroundings, UserOptions options);
/// `user roles`: those of the options, instead of those so far.
[[nodiscard]] CommandResult user_roles(const Overrides& overrides, const Surroundings& surroundings,
                                       UserOptions options);
/// `user password`: a new one; tokens made before are void.
[[nodiscard]] CommandResult user_password(const Overrides& overrides,
                                          const Surroundings& surroundings, UserOptions options);

}  // namespace gh::app
