#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config_command.hpp"
#include "app/settings.hpp"

namespace gh::app {

struct RotationOptions {
    std::string path;
    std::optional<std::string> generator;  ///< "random", "key-pair", "postgresql"; unset: random
    std::optional<std::uint32_t> length;
    std::optional<std::string> alphabet, field, key_type, private_field, public_field;
    std::optional<std::string> connection, database;
    std::vector<std::string> roles;
    std::optional<std::string> every, overlap, hold, after_hold;
    std::vector<std::string> consumers;
    bool json = false;
    bool force = false;    ///< delete
    std::string consumer;  ///< forget-consumer
};

/// `secrets rotate`: now, and here, unless a node is about it already; then until that has ended.
[[nodiscard]] CommandResult secrets_rotate(const Overrides& overrides,
                                           const Surroundings& surroundings,
                                           const RotationOptions& options);

/// `secrets rotation set`: what is not named is as it is where nobody says anything.
[[nodiscard]] CommandResult rotation_set(const Overrides& overrides,
                                         const Surroundings& surroundings,
                                         const RotationOptions& options);
[[nodiscard]] CommandResult rotation_show(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const RotationOptions& options);
[[nodiscard]] CommandResult rotation_list(const Overrides& overrides,
                                          const Surroundings& surroundings,
                                          const RotationOptions& options);
[[nodiscard]] CommandResult rotation_delete(const Overrides& overrides,
                                            const Surroundings& surroundings,
                                            const RotationOptions& options);
/// `secrets rotation history`: what was tried, the newest first.
[[nodiscard]] CommandResult rotation_history(const Overrides& overrides,
                                             const Surroundings& surroundings,
                                             const RotationOptions& options);
/// `secrets rotation consumers`: who reads, and which version each has read last.
[[nodiscard]] CommandResult rotation_consumers(const Overrides& overrides,
                                               const Surroundings& surroundings,
                                               const RotationOptions& options);
[[nodiscard]] CommandResult rotation_forget_consumer(const Overrides& overrides,
                                                     const Surroundings& surroundings,
                                                     const RotationOptions& options);
/// `secrets rotation proceed`, `roll-back`: ends an overlap or a hold, the one way or the other.
[[nodiscard]] CommandResult rotation_proceed(const Overrides& overrides,
                                             const Surroundings& surroundings,
                                             const RotationOptions& options);
[[nodiscard]] CommandResult rotation_roll_back(const Overrides& overrides,
                                               const Surroundings& surroundings,
                                               const RotationOptions& options);

}  // namespace gh::app
