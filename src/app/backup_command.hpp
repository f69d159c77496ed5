#pragma once

#include <filesystem>
#include <optional>

#include "app/config_command.hpp"
#include "app/settings.hpp"
#include "crypto/secret.hpp"

namespace gh::app {

struct BackupOptions {
    std::filesystem::path file;
    std::optional<crypto::Secret> passphrase;
    bool force = false;  ///< restore: replace what is there
};

/// `backup FILE|FOLDER`: the rows of the database as they are at one moment, and the files of the data directory, in one new
/// file. Beside a running serve or without one. Tells the file's name on standard output, progress on standard error.
[[nodiscard]] CommandResult backup(const Overrides& overrides, const Surroundings& surroundings,
                                   const BackupOptions& options);
/// `backup verify FILE`: restores it into a place of its own and looks at what is there.
[[nodiscard]] CommandResult backup_verify(const BackupOptions& options);
/// `restore FILE`: what is in the backup takes the place of what is here, all of it or nothing.
[[nodiscard]] CommandResult restore(const Overrides& overrides, const Surroundings& surroundings,
                                    const BackupOptions& options);

}  // namespace gh::app
