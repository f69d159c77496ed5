#pragma once

#include <cstdint>
#include <string>

#include "app/state.hpp"
#include "base/error.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"
#include "vault/secret.hpp"

namespace gh::app {

/// Has the audit log tell of a change of a secret that the shell makes: its path and version, never its value.
[[nodiscard]] storage::Also<vault::SecretChange> recorded_secret(std::string action);

/// The same of a value that the shell, or the configuration, reads.
[[nodiscard]] Task<Result<void>> told_read(State& state, std::string path, std::uint64_t version);
/// At once.
[[nodiscard]] Result<void> record_read(State& state, const std::string& path,
                                       std::uint64_t version);

}  // namespace gh::app
